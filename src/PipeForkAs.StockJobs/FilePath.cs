using System.Text;
using PipeForkAs.Jobs;

namespace PipeForkAs.StockJobs;

/// <summary>A path in the kernel's form: bytes, which need not be text. A job takes it as text (<c>path</c>) or as bytes (<c>pathBytes</c>,
/// in base64); the caller sends one of them.
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

    /// <summary>The path for people: invalid UTF-8 is shown as U+FFFD.</summary>
    public string Text { get; }

    /// <summary>Returns the path in the arguments.</summary>
    /// <param name="path">Text; null for none.</param>
    /// <param name="pathBytes">Base64; null for none.</param>
    /// <param name="otherwise">The path if neither is set; null if one of them is required.</param>
    /// <param name="name">The name of the argument with the text; <c>Bytes</c> follows it in the name of the other one.</param>
    /// <exception cref="JobArgumentsException">Both or none are set, or the value cannot be a path.</exception>
    public static FilePath Of(string? path, string? pathBytes, string? otherwise = null, string name = "path")
    {
        if (path == otherwise && pathBytes is not null)
            path = null;
        if (path is not null && pathBytes is not null)
            throw new JobArgumentsException($"{name} and {name}Bytes cannot be combined; give one of them");
        byte[] bytes = pathBytes is null ? Encode(path ?? otherwise, name) : Decode(pathBytes, name);
        if (bytes.Length == 0)
            throw new JobArgumentsException("a path cannot be empty");
        return bytes.AsSpan().Contains((byte)0) ? throw new JobArgumentsException("a path cannot contain NUL") : new FilePath(bytes);
    }

    /// <summary>Creates a path from the bytes of a path.</summary>
    public static FilePath OfBytes(byte[] bytes) => new(bytes);

    /// <summary>Returns the absolute path, so that another job can take it: text as <see cref="Path.GetFullPath(string)"/> resolves it,
    /// bytes unchanged.
    /// </summary>
    public FilePath Absolute() =>
        Base64Of(Bytes) is null ? new(Encoding.UTF8.GetBytes(Path.GetFullPath(Text)))
        : Bytes[0] == (byte)'/' ? this
        : new([.. Encoding.UTF8.GetBytes(Environment.CurrentDirectory), (byte)'/', .. Bytes]);

    /// <summary>Returns the path of an entry of this directory.</summary>
    public FilePath Join(byte[] name) => new(Bytes is [.., (byte)'/'] ? [.. Bytes, .. name] : [.. Bytes, (byte)'/', .. name]);

    /// <summary>Splits off the last name, so that a job can open the folder and use the name there.</summary>
    /// <returns>
    /// The folder; the name, empty for <c>/</c>; and whether a slash at the end demands that the name is that of a directory.
    /// </returns>
    public (FilePath Folder, byte[] Name, bool IsDirectory) Split()
    {
        ReadOnlySpan<byte> path = Bytes.AsSpan().TrimEnd((byte)'/');
        int slash = path.LastIndexOf((byte)'/');
        byte[] folder = slash >= 0 ? path[..(slash + 1)].ToArray() : path.IsEmpty ? "/"u8.ToArray() : "."u8.ToArray();
        return (new FilePath(folder), path[(slash + 1)..].ToArray(), path.Length < Bytes.Length);
    }

    /// <summary>Returns bytes that are not UTF-8 in base64; null if they are text, which then represents all of them.</summary>
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

    private static byte[] Encode(string? path, string name) => path is null
        ? throw new JobArgumentsException($"the argument {name} is missing; it must be text")
        : Encoding.UTF8.GetBytes(path);

    /// <summary>Accepts base64 only as an encoder writes it: the policy reads it too, and both must read the same path.</summary>
    private static byte[] Decode(string base64, string name)
    {
        byte[] room = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, room, out int count) && Convert.ToBase64String(room, 0, count) == base64
            ? room[..count]
            : throw new JobArgumentsException($"{name}Bytes must be the bytes of a path in base64, with padding and without white space");
    }
}
