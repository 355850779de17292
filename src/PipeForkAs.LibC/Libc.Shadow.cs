using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

/// <summary>The days on which an account's password and the account itself expire; shadow(5). Days count from 1970-01-01; -1 means none.
/// </summary>
/// <param name="LastChange">The day of the last change of the password; 0: the user must change it at the next login.</param>
/// <param name="MaximumAge">The number of days for which a password is valid.</param>
/// <param name="Inactive">The number of days after that in which the account may still be used.</param>
/// <param name="Expires">The first day on which the account is disabled.</param>
public sealed record ShadowEntry(long LastChange, long MaximumAge, long Inactive, long Expires)
{
    /// <summary>Changes when the password does, and says nothing about it: 64 bits of a hash (FNV-1a) of the encrypted password, which
    /// begins with a seed of the caller.
    /// </summary>
    public ulong PasswordMark { get; init; }
}

public static unsafe partial class Libc
{
    /// <summary>getspnam_r(3): queries the name service switch; may wait for the network. Null if there is no entry. It does not return the
    /// password, only <see cref="ShadowEntry.PasswordMark"/>.
    /// </summary>
    /// <param name="name">The account's name.</param>
    /// <param name="seed">Any number, the same for marks that are compared.</param>
    public static ShadowEntry? getspnam(string name, ulong seed)
    {
        Check.NoNul(name);
        // SAFETY: LookUp passes the buffer with its size.
        return LookUp.Find(
            (Own.spwd* entry, byte* buffer, nuint size, Own.spwd** result) => Own.getspnam_r(name, entry, buffer, size, result),
            (in Own.spwd found) => new ShadowEntry(found.lastChange, found.maximum, found.inactive, found.expires)
            {
                PasswordMark = MarkOf(found.password, seed),
            },
            LookUp.IsNoEntry, () => $"getspnam_r(\"{name}\")");
    }

    private static ulong MarkOf(byte* encrypted, ulong seed)
    {
        const ulong Offset = 14695981039346656037, Prime = 1099511628211;
        ulong mark = Offset ^ seed;
        // SAFETY: getspnam_r(3) returns a string that ends with a NUL, in the buffer of the look-up.
        foreach (byte letter in encrypted is null ? default : MemoryMarshal.CreateReadOnlySpanFromNullTerminated(encrypted))
            mark = (mark ^ letter) * Prime;
        return mark;
    }
}
