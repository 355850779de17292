using System.Globalization;
using System.Text;

namespace PipeForkAs.Cli.Replies;

/// <summary>
/// Text that others wrote, made safe to show: a message of a hostile job must not send commands to the terminal, begin a line of its
/// own that looks like the command's, or turn the direction of writing.
/// </summary>
internal static class Printable
{
    /// <summary>
    /// Replaces characters that control, format or separate lines by <c>\n</c>, <c>\r</c>, <c>\t</c>, <c>\xHH</c>
    /// or <c>\uHHHH</c>, and leaves the rest.
    /// </summary>
    public static string Escape(string text)
    {
        StringBuilder escaped = new(text.Length);
        Span<char> pair = stackalloc char[2];
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (IsShown(rune))
                escaped.Append(pair[..rune.EncodeToUtf16(pair)]);
            else
                escaped.Append(Name(rune));
        }

        return escaped.ToString();
    }

    private static bool IsShown(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    private static string Name(Rune rune) => rune.Value switch
    {
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        < 0x100 => $"\\x{rune.Value:x2}",
        _ => $"\\u{rune.Value:x4}",
    };
}
