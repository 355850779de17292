using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace PipeForkAs.Files.Sessions;

/// <summary>Random texts that nobody can guess.</summary>
internal static class Secret
{
    private const int Bytes = 32;

    /// <summary>Returns a new secret of 43 characters.</summary>
    public static string Create() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>Compares in a time that does not depend on the texts.</summary>
    public static bool AreEqual(string? one, string? other) =>
        one is { Length: > 0 } && other is not null
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(one), Encoding.UTF8.GetBytes(other));

    /// <summary>Returns what a table keeps in place of a secret: a look-up by it takes no time that depends on the secret.</summary>
    public static string Digest(string secret) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}
