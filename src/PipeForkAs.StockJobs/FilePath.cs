using System.Text;
using PipeForkAs.Jobs;

namespace PipeForkAs.StockJobs;

/// <summary>
/// A path as the kernel has it: bytes, which need not be text. A job takes it as text (<c>path</c>), or byte by byte (<c>pathBytes</c>, in
/// base64), of which one is given.
/// </summary>
internal sealed class FilePath
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private FilePath(byte[] bytes)
    {
        Bytes = bytes;
        Text = Encoding.UTF8.GetString(bytes);
    }

    /// <summary>The path, without a NUL.</summary>
    public byte[] Bytes { get; }

    /// <summary>The same for a person: what is not UTF-8 is shown as U+FFFD.</summary>
    public string Text { get; }

    /// <summary>The path that the arguments name.</summary>
    /// <param name="path">Text; null for none.</param>
    /// <param name="pathBytes">Base64; null for none.</param>
    /// <param name="otherwise">The path where neither is given; null where one of them must be.</param>
    /// <exception cref="JobArgumentsException">Both, or none, are given; or it cannot be a path.</exception>
    public static FilePath Of(string? path, string? pathBytes, string? otherwise = null)
    {
        if (path == otherwise && pathBytes is not null)
            path = null;
        if (path is not null && pathBytes is not null)
            throw new JobArgumentsException("path and pathBytes are two ways to name one file; give one of them");
        byte[] bytes = pathBytes is null ? Encode(path ?? otherwise) : Decode(pathBytes);
        if (bytes.Length == 0)
            throw new JobArgumentsException("a path cannot be empty");
        return bytes.AsSpan().Contains((byte)0) ? throw new JobArgumentsException("a path cannot hold NUL") : new FilePath(bytes);
    }

    /// <summary>Of bytes that are a path.</summary>
    public static FilePath OfBytes(byte[] bytes) => new(bytes);

    /// <summary>
    /// Where it leads from the root, so that it can be handed on; text as <see cref="Path.GetFullPath(string)"/> says, bytes as they are.
    /// </summary>
    public FilePath Absolute() =>
        Base64Of(Bytes) is null ? new(Encoding.UTF8.GetBytes(Path.GetFullPath(Text)))
        : Bytes[0] == (byte)'/' ? this
        : new([.. Encoding.UTF8.GetBytes(Environment.CurrentDirectory), (byte)'/', .. Bytes]);

    /// <summary>The path of an entry of this directory.</summary>
    public FilePath Join(byte[] name) => new(Bytes is [.., (byte)'/'] ? [.. Bytes, .. name] : [.. Bytes, (byte)'/', .. name]);

    /// <summary>Bytes that are not UTF-8, in base64; null where they are text, which says all of them.</summary>
    public static string? Base64Of(byte[] bytes)
    {
        try
        {
            _ = Strict.GetCharCount(bytes);
            return null;
        }
        catch (DecoderFallbackException)
        {
            return Convert.ToBase64String(bytes);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static byte[] Encode(string? path) => path is null
        ? throw new JobArgumentsException("the argument path is missing; it must be text")
        : Encoding.UTF8.GetBytes(path);

    /// <summary>Only as an encoder writes it: the policy reads it too, and both must read the same.</summary>
    private static byte[] Decode(string base64)
    {
        byte[] room = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, room, out int count) && Convert.ToBase64String(room, 0, count) == base64
            ? room[..count]
            : throw new JobArgumentsException("pathBytes must be the bytes of a path in base64, with padding and without white space");
    }
}
