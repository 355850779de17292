using System.Globalization;
using System.Text;

namespace PipeForkAs.Daemon.Logging;

/// <summary>A log message as one line, whatever is in it: what clients and jobs say must neither make a second line nor steer a terminal.</summary>
internal static class LogText
{
    /// <summary>With control characters, those that change the direction of text or cannot be seen, and halves of surrogate pairs written as <c>\uNNNN</c>.</summary>
    public static string Escape(string text)
    {
        int first = text.AsSpan().IndexOfAnyExceptInRange(' ', '~');
        if (first < 0)
            return text;
        while (first < text.Length && !IsHarmful(text, first))
            first++;
        if (first == text.Length)
            return text;

        var line = new StringBuilder(text, 0, first, text.Length + 32);
        for (int i = first; i < text.Length; i++)
        {
            if (IsHarmful(text, i))
                line.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[i]:x4}");
            else
                line.Append(text[i]);
        }

        return line.ToString();
    }

    private static bool IsHarmful(string text, int at) => char.GetUnicodeCategory(text[at]) switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => true,
        UnicodeCategory.Surrogate => !(char.IsHighSurrogate(text[at])
            ? at + 1 < text.Length && char.IsLowSurrogate(text[at + 1])
            : at > 0 && char.IsHighSurrogate(text[at - 1])),
        _ => false,
    };
}
