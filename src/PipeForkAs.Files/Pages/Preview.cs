using System.Text;

namespace PipeForkAs.Files.Pages;

/// <summary>What a page can show of a file.</summary>
/// <param name="Text">The text; null if it is none.</param>
/// <param name="IsImage">Whether it is an image of a safe type.</param>
/// <param name="IsCut">Whether the file has more text.</param>
internal sealed record Preview(string? Text, bool IsImage, bool IsCut)
{
    /// <summary>The most bytes of a text that are shown.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>The bytes at the start by which <see cref="ImageType"/> knows a type.</summary>
    public const int ImageStart = 32;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Decides by the content of a file, never by its name.</summary>
    /// <param name="start">The start of the file, at most <see cref="MaxBytes"/>.</param>
    /// <param name="isWhole">Whether that is the whole file.</param>
    public static Preview Of(ReadOnlySpan<byte> start, bool isWhole)
    {
        if (ImageType(start) is not null)
            return new Preview(null, true, false);
        ReadOnlySpan<byte> text = isWhole ? start : WithoutPart(start);
        if (text.Contains((byte)0))
            return new Preview(null, false, false);
        try
        {
            return new Preview(Strict.GetString(text), false, !isWhole);
        }
        catch (DecoderFallbackException)
        {
            return new Preview(null, false, false);
        }
    }

    /// <summary>Returns the media type of an image that cannot contain a script; null for all else, such as SVG.</summary>
    public static string? ImageType(ReadOnlySpan<byte> start) =>
        start.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]) ? "image/png"
        : start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) ? "image/jpeg"
        : start.StartsWith("GIF87a"u8) || start.StartsWith("GIF89a"u8) ? "image/gif"
        : start.StartsWith("RIFF"u8) && start.Length >= 12 && start[8..12].SequenceEqual("WEBP"u8) ? "image/webp"
        : start.Length >= 12 && start[4..12].SequenceEqual("ftypavif"u8) ? "image/avif"
        : null;

    /// <summary>Removes the part of a character at the end.</summary>
    private static ReadOnlySpan<byte> WithoutPart(ReadOnlySpan<byte> text)
    {
        for (int back = 1; back <= 3 && back <= text.Length; back++)
        {
            if ((text[^back] & 0xC0) == 0x80)
                continue;
            int length = text[^back] switch { >= 0xF0 => 4, >= 0xE0 => 3, >= 0xC0 => 2, _ => 1 };
            return length > back ? text[..^back] : text;
        }

        return text;
    }
}
