using System.Globalization;

namespace PipeForkAs.Daemon.Patterns;

/// <summary>
/// Moves over the text of a regular expression that the parser of .NET accepted: finds the ends of elements, classes and quantifiers.
/// </summary>
/// <param name="text">The regular expression.</param>
/// <param name="groups">The numbers of its groups.</param>
internal abstract class PatternScanner(string text, int[] groups)
{
    protected string Text => text;

    /// <summary>The number of characters that have been read.</summary>
    protected int At { get; set; }

    protected char? Next(int ahead = 0) => At + ahead < text.Length ? text[At + ahead] : null;

    /// <summary>
    /// Whether an escape of this kind, which has been read, refers to a group: <c>\1</c>, <c>\&lt;name&gt;</c>, <c>\'name'</c>.
    /// </summary>
    protected bool IsReference(char kind)
    {
        int end = At;
        if (kind is '<' or '\'')
        {
            while (end < text.Length && CharacterSet.WordLetters.Contains(text[end]))
                end++;
            return end > At && end < text.Length && text[end] == (kind == '<' ? '>' : '\'');
        }

        if (kind is < '1' or > '9')
            return false;
        while (end < text.Length && char.IsAsciiDigit(text[end]))
            end++;
        return groups.Contains(int.Parse(text.AsSpan(At - 1, end - At + 1), NumberStyles.None, CultureInfo.InvariantCulture));
    }

    /// <summary>Skips the rest of an escaped character, after the '\'.</summary>
    protected void EndCharacter()
    {
        switch (text[At++])
        {
            case >= '0' and <= '7':
                for (int digits = 1; digits < 3 && Next() is >= '0' and <= '7'; digits++)
                    At++;
                break;
            case 'x':
                At += 2;
                break;
            case 'u':
                At += 4;
                break;
            case 'c':
                At++;
                break;
        }
    }

    /// <summary>Skips a class, whose '[' has been read; in it, a '[' after a '-' begins a class that is subtracted.</summary>
    protected void EndClass()
    {
        bool inRange = false;
        if (Next() == '^')
            At++;
        for (bool first = true; ; first = false)
        {
            bool escaped = false;
            char unit = text[At++];
            if (unit == ']' && !first)
                return;
            if (unit == '\\')
            {
                escaped = true;
                if (Next() is 'd' or 'D' or 's' or 'S' or 'w' or 'W' or '-')
                {
                    // An escaped '-' can end a range.
                    inRange &= Next() != '-';
                    At++;
                    continue;
                }

                if (Next() is 'p' or 'P')
                {
                    At = text.IndexOf('}', At) + 1;
                    continue;
                }

                EndCharacter();
            }

            if (inRange)
            {
                inRange = false;
                if (unit == '[' && !escaped && !first)
                    EndClass();
            }
            else if (Next() == '-' && Next(1) is { } after && after != ']')
            {
                inRange = true;
                At++;
            }
            else if (unit == '-' && !escaped && Next() == '[' && !first)
            {
                At++;
                EndClass();
            }
        }
    }

    /// <summary>Reads a quantifier; returns null if there is none.</summary>
    protected (int Least, int Most)? Quantifier()
    {
        switch (Next())
        {
            case '*':
                At++;
                return (0, int.MaxValue);
            case '+':
                At++;
                return (1, int.MaxValue);
            case '?':
                At++;
                return (0, 1);
            case '{':
                int end = At + 1;
                while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == ','))
                    end++;
                string[] counts = text[(At + 1)..end].Split(',');
                if (end == text.Length || text[end] != '}' || counts.Length > 2 || counts[0].Length == 0)
                    return null;
                At = end + 1;
                int least = int.Parse(counts[0], NumberStyles.None, CultureInfo.InvariantCulture);
                return (least, counts.Length == 1 ? least : counts[1].Length == 0 ? int.MaxValue
                    : int.Parse(counts[1], NumberStyles.None, CultureInfo.InvariantCulture));
            default:
                return null;
        }
    }

    /// <summary>Skips comments, and white space if the option x ignores it.</summary>
    protected void SkipBlank(bool ignoresWhitespace)
    {
        while (true)
        {
            if (ignoresWhitespace && Next() is ' ' or '\t' or '\n' or '\f' or '\r')
                At++;
            else if (ignoresWhitespace && Next() == '#')
                At = text.IndexOf('\n', At) is >= 0 and var end ? end : text.Length;
            else if (Next() == '(' && Next(1) == '?' && Next(2) == '#')
                At = text.IndexOf(')', At) + 1;
            else
                return;
        }
    }
}
