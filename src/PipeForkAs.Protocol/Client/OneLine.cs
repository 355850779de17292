using System.ComponentModel;
using System.Globalization;

namespace PipeForkAs.Protocol.Client;

/// <summary>
/// Makes what others wrote fit for a message: without what ends a line or steers a terminal, which could forge a line of a log. Control
/// characters, separators of lines and paragraphs, format characters (which reorder what is read) and surrogates become <c>?</c>.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class OneLine
{
    /// <summary>The most characters that <see cref="Of"/> keeps.</summary>
    private const int MaxLength = 200;

    /// <summary>The text, cut to 200 characters.</summary>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Whole(text.Length <= MaxLength ? text : string.Concat(text.AsSpan(0, MaxLength), "..."));
    }

    /// <summary>The text at its full length.</summary>
    public static string Whole(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return string.Create(text.Length, text, static (line, source) =>
        {
            for (int i = 0; i < line.Length; i++)
                line[i] = IsPlain(source[i]) ? source[i] : '?';
        });
    }

    private static bool IsPlain(char letter) => CharUnicodeInfo.GetUnicodeCategory(letter)
        is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
