using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using PipeForkAs.Protocol;

namespace PipeForkAs.Files.Paths;

/// <summary>A path in the kernel's form: bytes, which need not be text. In URLs and forms it is base64url. The page compares and resolves
/// nothing in it: the kernel does.
/// </summary>
internal sealed class BytePath
{
    /// <summary>The longest path that the kernel accepts, without the final NUL; PATH_MAX.</summary>
    public const int MaxBytes = 4095;

    private const byte Slash = (byte)'/';

    private BytePath(byte[] bytes) => Bytes = bytes;

    /// <summary>The user's home directory, in which jobs begin.</summary>
    public static BytePath Home { get; } = new("."u8.ToArray());

    /// <summary>The path: 1 to 4095 bytes without a NUL.</summary>
    public byte[] Bytes { get; }

    /// <summary>The path for people: one line, without characters that control it.</summary>
    public string Text => UntrustedText.Escape(Bytes);

    /// <summary>The path in a URL.</summary>
    public string Segment => Encode(Bytes);

    /// <summary>The path in the arguments of a job.</summary>
    public string Base64 => Convert.ToBase64String(Bytes);

    /// <summary>The bytes after the last slash; empty for a path that ends with one.</summary>
    public byte[] Name => Bytes[(Bytes.AsSpan().LastIndexOf(Slash) + 1)..];

    /// <summary>The name for people; of the root, a slash.</summary>
    public string NameText => Name is { Length: > 0 } name ? UntrustedText.Escape(name) : "/";

    /// <summary>The path without its last name; null if it has only one.</summary>
    public BytePath? Parent => Bytes.AsSpan().LastIndexOf(Slash) switch
    {
        -1 => null,
        0 => Bytes.Length == 1 ? null : new([Slash]),
        int slash => new(Bytes[..slash]),
    };

    /// <summary>The folders above it and the path itself, from the root on.</summary>
    public IEnumerable<BytePath> Trail
    {
        get
        {
            // Not by recursion: a path can have 2,047 levels.
            var trail = new List<BytePath>();
            for (BytePath? step = this; step is not null; step = step.Parent)
                trail.Add(step);
            trail.Reverse();
            return trail;
        }
    }

    /// <summary>Returns the path without slashes at its end: it then has a name.</summary>
    public BytePath WithoutSlash()
    {
        int length = Bytes.AsSpan().TrimEnd(Slash).Length;
        return length == Bytes.Length || Bytes.Length == 1 ? this : new(length == 0 ? [Slash] : Bytes[..length]);
    }

    /// <summary>Returns the path of an entry.</summary>
    public BytePath Join(ReadOnlySpan<byte> name) => new([.. Bytes, .. Bytes[^1] == Slash ? [] : (ReadOnlySpan<byte>)[Slash], .. name]);

    /// <summary>Encodes bytes for a URL or a form.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);

    /// <summary>Creates a path from a text, such as one that a user typed.</summary>
    public static bool TryOfText(string? text, [NotNullWhen(true)] out BytePath? path) =>
        TryOfBytes(Encoding.UTF8.GetBytes(text ?? ""), out path);

    /// <summary>Creates a path from the result of a job: text, or bytes in base64 if they are not text.</summary>
    public static bool TryOfResult(string text, string? base64, [NotNullWhen(true)] out BytePath? path) =>
        TryOfBytes(NameOf(text, base64), out path);

    /// <summary>Returns the bytes of a name in the result of a job.</summary>
    public static byte[] NameOf(string text, string? base64)
    {
        if (base64 is null)
            return Encoding.UTF8.GetBytes(text);
        byte[] bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out int count) ? bytes[..count] : [];
    }

    /// <summary>Reads the segments of a URL. Each is a part of the path in base64url; slashes are between the parts.</summary>
    public static bool TryParse(string? segments, [NotNullWhen(true)] out BytePath? path)
    {
        path = null;
        if (segments is null || segments.Length > 2 * MaxBytes)
            return false;
        var bytes = new List<byte>();
        foreach (string segment in segments.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TryDecode(segment, out byte[]? part))
                return false;
            if (bytes.Count > 0 && bytes[^1] != Slash)
                bytes.Add(Slash);
            bytes.AddRange(part);
        }

        return TryOfBytes([.. bytes], out path);
    }

    /// <summary>Reads the name of an entry in a form: any bytes without a slash.</summary>
    public static bool TryParseName(string? encoded, [NotNullWhen(true)] out byte[]? name) =>
        TryDecode(encoded ?? "", out name) && IsName(name);

    /// <summary>Whether bytes can be the name of an entry in a folder.</summary>
    public static bool IsName(ReadOnlySpan<byte> name) =>
        name.Length is > 0 and <= 255 && !name.ContainsAny((byte)0, Slash) && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8);

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static bool TryOfBytes(byte[] bytes, [NotNullWhen(true)] out BytePath? path)
    {
        path = bytes.Length is > 0 and <= MaxBytes && !bytes.AsSpan().Contains((byte)0) ? new BytePath(bytes) : null;
        return path is not null;
    }

    private static bool TryDecode(string text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        if (!Base64Url.IsValid(text, out int count))
            return false;
        byte[] decoded = new byte[count];
        if (!Base64Url.TryDecodeFromChars(text, decoded, out int written))
            return false;
        bytes = decoded[..written];
        return true;
    }
}
