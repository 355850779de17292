using System.Buffers;
using System.ComponentModel;
using System.Globalization;
using System.Text;

namespace PipeForkAs.Protocol;

/// <summary>Makes untrusted text safe to show in a terminal, a log or a message: it cannot end a line, control a terminal, or change the
/// order in which the rest is read. It escapes, by their Unicode categories: control characters, format characters (which include
/// characters that change the direction of text, tags, and characters of no width), separators of lines and paragraphs, characters for
/// private use, unassigned characters, and halves of surrogate pairs. They become <c>\n</c>, <c>\r</c>, <c>\t</c>, <c>\uNNNN</c> or
/// <c>\UNNNNNNNN</c>; bytes that are not UTF-8 become <c>\xNN</c>. All other characters stay, including backslashes: the text is for
/// people, and the escape cannot be undone.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class UntrustedText
{
    /// <summary>The default length of <see cref="Excerpt(string, int)"/>, in characters.</summary>
    public const int DefaultExcerpt = 200;

    private const string Cut = "...";

    /// <summary>The longest form of one character: <c>\UNNNNNNNN</c>.</summary>
    private const int MaxPiece = 10;

    /// <summary>Returns the whole text as one line.</summary>
    public static string Escape(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int harmless = HarmlessStart(text);
        if (harmless == text.Length)
            return text;
        var line = new StringBuilder(text, 0, harmless, text.Length + 32);
        Span<char> piece = stackalloc char[MaxPiece];
        for (ReadOnlySpan<char> rest = text.AsSpan(harmless); !rest.IsEmpty;)
            line.Append(piece[..Next(ref rest, piece)]);
        return line.ToString();
    }

    /// <summary>Returns the whole text as one line; bytes that are not UTF-8 are escaped too.</summary>
    /// <param name="utf8">Any bytes.</param>
    public static string Escape(ReadOnlySpan<byte> utf8)
    {
        var line = new StringBuilder(utf8.Length + 32);
        Span<char> piece = stackalloc char[MaxPiece];
        while (!utf8.IsEmpty)
        {
            bool isText = Rune.DecodeFromUtf8(utf8, out Rune rune, out int length) == OperationStatus.Done;
            if (isText)
            {
                line.Append(piece[..Write(rune, piece)]);
            }
            else
            {
                foreach (byte invalid in utf8[..length])
                    line.Append(CultureInfo.InvariantCulture, $"\\x{invalid:x2}");
            }

            utf8 = utf8[length..];
        }

        return line.ToString();
    }

    /// <summary>Returns the beginning of a text as one line. If that is not the whole text, it ends with three dots.</summary>
    /// <param name="text">Any text of any length.</param>
    /// <param name="max">The most characters of the result, including escapes and dots: 3 or more.</param>
    public static string Excerpt(string text, int max = DefaultExcerpt)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfLessThan(max, Cut.Length);
        if (text.Length <= max && HarmlessStart(text) == text.Length)
            return text;
        var line = new StringBuilder(Math.Min(max, text.Length + 32));
        Span<char> piece = stackalloc char[MaxPiece];

        // Where to cut the text if it does not fit: after the last piece that leaves room for the dots.
        int cut = 0;
        for (ReadOnlySpan<char> rest = text; !rest.IsEmpty;)
        {
            int length = Next(ref rest, piece);
            if (line.Length + length > max)
                return line.Remove(cut, line.Length - cut).Append(Cut).ToString();
            line.Append(piece[..length]);
            if (line.Length <= max - Cut.Length)
                cut = line.Length;
        }

        return line.ToString();
    }

    /// <summary>Returns the lines of a text, each escaped. A line ends with <c>\n</c> or <c>\r\n</c>; the last line can also end with the
    /// text.
    /// </summary>
    public static IReadOnlyList<string> Lines(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var lines = new List<string>();
        for (ReadOnlySpan<char> rest = text; !rest.IsEmpty;)
        {
            int end = rest.IndexOf('\n');
            ReadOnlySpan<char> line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? [] : rest[(end + 1)..];
            lines.Add(Escape((end > 0 && line[^1] == '\r' ? line[..^1] : line).ToString()));
        }

        return lines;
    }

    /// <summary>Counts the characters at the start that need no category check.</summary>
    private static int HarmlessStart(string text)
    {
        int start = text.AsSpan().IndexOfAnyExceptInRange(' ', '~');
        if (start < 0)
            return text.Length;
        while (start < text.Length && Rune.TryGetRuneAt(text, start, out Rune rune) && IsHarmless(rune))
            start += rune.Utf16SequenceLength;
        return start;
    }

    /// <summary>Takes one character from a text, and writes it or its escape.</summary>
    private static int Next(ref ReadOnlySpan<char> text, scoped Span<char> piece)
    {
        if (Rune.DecodeFromUtf16(text, out Rune rune, out int length) == OperationStatus.Done)
        {
            text = text[length..];
            return Write(rune, piece);
        }

        // Half of a surrogate pair.
        char half = text[0];
        text = text[1..];
        piece.TryWrite(CultureInfo.InvariantCulture, $"\\u{(int)half:x4}", out int written);
        return written;
    }

    private static int Write(Rune rune, Span<char> piece)
    {
        if (IsHarmless(rune))
            return rune.EncodeToUtf16(piece);
        int written;
        switch (rune.Value)
        {
            case '\n':
                "\\n".CopyTo(piece);
                return 2;
            case '\r':
                "\\r".CopyTo(piece);
                return 2;
            case '\t':
                "\\t".CopyTo(piece);
                return 2;
            case <= char.MaxValue:
                piece.TryWrite(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}", out written);
                return written;
            default:
                piece.TryWrite(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}", out written);
                return written;
        }
    }

    private static bool IsHarmless(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
