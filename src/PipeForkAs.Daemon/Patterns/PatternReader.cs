using System.Globalization;
using System.Text.RegularExpressions;

namespace PipeForkAs.Daemon.Patterns;

/// <summary>
/// Reads a regular expression of .NET. .NET's own parser says first whether it is one; this reads its structure as that does
/// (System.Text.RegularExpressions/RegexParser.cs), and leaves to .NET what a single element means (<see cref="CharacterSet"/>).
/// </summary>
internal sealed class PatternReader
{
    /// <summary>Groups inside each other.</summary>
    private const int MaxDepth = 200;

    /// <summary>Different elements whose meaning is asked of .NET; each takes some milliseconds.</summary>
    private const int MaxSets = 512;

    private readonly string text;
    private readonly int[] groups;
    private readonly Dictionary<(string Element, bool IgnoresCase), CharacterSet> sets = [];
    private readonly Dictionary<char, CharacterSet> single = [];
    private RegexOptions options;
    private int at;
    private int depth;

    private PatternReader(string text)
    {
        this.text = text;
        groups = new Regex(text, RegexOptions.CultureInvariant).GetGroupNumbers();
    }

    /// <summary>Reads a pattern.</summary>
    /// <exception cref="ArgumentException">It is not a regular expression.</exception>
    /// <exception cref="NotSupportedException">It needs backtracking (a back reference, a look-around), or is nested too
    /// deeply.</exception>
    public static PatternNode Read(string text)
    {
        var reader = new PatternReader(text);
        PatternNode all = reader.Ways();
        return reader.at == text.Length ? all : throw reader.Unsupported("this construct");
    }

    private bool Has(RegexOptions option) => (options & option) != 0;

    private char? Next(int ahead = 0) => at + ahead < text.Length ? text[at + ahead] : null;

    private NotSupportedException Unsupported(string what) =>
        new(string.Create(CultureInfo.InvariantCulture, $"at character {at + 1}: {what} cannot be matched without backtracking"));

    /// <summary>What is separated by '|', up to the group's end.</summary>
    private PatternNode Ways()
    {
        var ways = new List<PatternNode>();
        var parts = new List<PatternNode>();
        while (true)
        {
            SkipBlank();
            if (Next() is null or ')')
                break;
            if (Next() == '|')
            {
                at++;
                ways.Add(new PatternNode.Sequence([.. parts]));
                parts.Clear();
            }
            else if (Element() is { } element)
            {
                parts.Add(Repeated(element));
            }
        }

        ways.Add(new PatternNode.Sequence([.. parts]));
        return ways.Count == 1 ? ways[0] : new PatternNode.Choice(ways);
    }

    /// <summary>One element; null for a group that only sets options.</summary>
    private PatternNode? Element()
    {
        char first = text[at++];
        switch (first)
        {
            case '(':
                return Group();
            case '[':
                int begin = at - 1;
                EndClass();
                return Set(text[begin..at]);
            case '\\':
                return Escape();
            case '^':
                return new PatternNode.Place(Has(RegexOptions.Multiline) ? PatternPlace.LineBeginning : PatternPlace.Beginning);
            case '$':
                return new PatternNode.Place(Has(RegexOptions.Multiline) ? PatternPlace.LineEnd : PatternPlace.EndOrLastNewline);
            case '.':
                return new PatternNode.Character(Has(RegexOptions.Singleline) ? CharacterSet.All : CharacterSet.NoNewline);
            default:
                return Literal(first);
        }
    }

    private PatternNode.Character Literal(char unit)
    {
        if (Has(RegexOptions.IgnoreCase))
            return Set(string.Create(CultureInfo.InvariantCulture, $"\\u{(int)unit:X4}"));
        if (!single.TryGetValue(unit, out CharacterSet? set))
            single.Add(unit, set = CharacterSet.Only(unit));
        return new PatternNode.Character(set);
    }

    private PatternNode.Character Set(string element)
    {
        (string, bool) key = (element, Has(RegexOptions.IgnoreCase));
        if (!sets.TryGetValue(key, out CharacterSet? set))
        {
            if (sets.Count == MaxSets)
                throw new NotSupportedException($"it has more than {MaxSets} different classes of characters");
            sets.Add(key, set = CharacterSet.Of(element, key.Item2));
        }

        return new PatternNode.Character(set);
    }

    private PatternNode? Group()
    {
        RegexOptions outside = options;
        if (Next() == '?' && !Opens())
            return null;
        if (++depth > MaxDepth)
            throw new NotSupportedException($"it has more than {MaxDepth} groups inside each other");
        PatternNode inside = Ways();
        if (Next() != ')')
            throw Unsupported("this group");
        at++;
        depth--;
        options = outside;
        return inside;
    }

    /// <summary>Reads what follows "(?". Whether a group begins; else options were set, up to the end of the group around it.</summary>
    private bool Opens()
    {
        at++;
        switch (Next())
        {
            case ':':
                at++;
                return true;
            case '<' or '\'' when Next(1) is not ('=' or '!'):
                char close = Next() == '<' ? '>' : '\'';
                int end = text.IndexOf(close, at + 1);
                if (end < 0 || text.AsSpan(at, end - at).Contains('-'))
                    throw Unsupported("a balancing group");
                at = end + 1;
                return true;
            case '<' or '=' or '!' or '>' or '(' or '\'':
                throw Unsupported("a look-around, an atomic group or a condition");
        }

        SetOptions();
        if (Next() is not (':' or ')'))
            throw Unsupported("this group");
        return text[at++] == ':';
    }

    private void SetOptions()
    {
        for (bool off = false; at < text.Length; at++)
        {
            RegexOptions option = (char)(text[at] | 0x20) switch
            {
                'i' => RegexOptions.IgnoreCase,
                'm' => RegexOptions.Multiline,
                'n' => RegexOptions.ExplicitCapture,
                's' => RegexOptions.Singleline,
                'x' => RegexOptions.IgnorePatternWhitespace,
                _ => RegexOptions.None,
            };
            if (text[at] is '-' or '+')
                off = text[at] == '-';
            else if (option == RegexOptions.None)
                return;
            else
                options = off ? options & ~option : options | option;
        }
    }

    private PatternNode Escape()
    {
        int begin = at - 1;
        char kind = text[at++];
        switch (kind)
        {
            case 'b':
                return new PatternNode.Place(PatternPlace.WordBoundary);
            case 'B':
                return new PatternNode.Place(PatternPlace.NoWordBoundary);
            case 'A':
                return new PatternNode.Place(PatternPlace.Beginning);
            case 'Z':
                return new PatternNode.Place(PatternPlace.EndOrLastNewline);
            case 'z':
                return new PatternNode.Place(PatternPlace.End);
            case 'G':
                throw Unsupported("\\G");
            case 'k':
                throw Unsupported("a back reference");
            case 'p' or 'P':
                at = text.IndexOf('}', at) + 1;
                break;
            case 'w' or 'W' or 's' or 'S' or 'd' or 'D':
                break;
            default:
                if (IsReference(kind))
                    throw Unsupported("a back reference");
                at = begin + 1;
                EndCharacter();
                break;
        }

        return Set(text[begin..at]);
    }

    /// <summary>
    /// Whether an escape of this kind, which has been read, refers to a group: <c>\1</c>, <c>\&lt;name&gt;</c>, <c>\'name'</c>.
    /// </summary>
    private bool IsReference(char kind)
    {
        int end = at;
        if (kind is '<' or '\'')
        {
            while (end < text.Length && CharacterSet.WordLetters.Contains(text[end]))
                end++;
            return end > at && end < text.Length && text[end] == (kind == '<' ? '>' : '\'');
        }

        if (kind is < '1' or > '9')
            return false;
        while (end < text.Length && char.IsAsciiDigit(text[end]))
            end++;
        return groups.Contains(int.Parse(text.AsSpan(at - 1, end - at + 1), NumberStyles.None, CultureInfo.InvariantCulture));
    }

    /// <summary>Passes what stands behind the '\' of an escaped character.</summary>
    private void EndCharacter()
    {
        switch (text[at++])
        {
            case >= '0' and <= '7':
                for (int digits = 1; digits < 3 && Next() is >= '0' and <= '7'; digits++)
                    at++;
                break;
            case 'x':
                at += 2;
                break;
            case 'u':
                at += 4;
                break;
            case 'c':
                at++;
                break;
        }
    }

    /// <summary>Passes a class, whose '[' has been read; in it, a '[' behind a '-' begins a class that is taken out.</summary>
    private void EndClass()
    {
        bool inRange = false;
        if (Next() == '^')
            at++;
        for (bool first = true; ; first = false)
        {
            bool escaped = false;
            char unit = text[at++];
            if (unit == ']' && !first)
                return;
            if (unit == '\\')
            {
                escaped = true;
                if (Next() is 'd' or 'D' or 's' or 'S' or 'w' or 'W' or '-')
                {
                    // An escaped '-' may end a range.
                    inRange &= Next() != '-';
                    at++;
                    continue;
                }

                if (Next() is 'p' or 'P')
                {
                    at = text.IndexOf('}', at) + 1;
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
                at++;
            }
            else if (unit == '-' && !escaped && Next() == '[' && !first)
            {
                at++;
                EndClass();
            }
        }
    }

    private PatternNode Repeated(PatternNode element)
    {
        SkipBlank();
        if (Quantifier() is not { } counts)
            return element;
        SkipBlank();
        if (Next() == '?')
            at++;
        return new PatternNode.Repetition(element, counts.Least, counts.Most);
    }

    private (int Least, int Most)? Quantifier()
    {
        switch (Next())
        {
            case '*':
                at++;
                return (0, int.MaxValue);
            case '+':
                at++;
                return (1, int.MaxValue);
            case '?':
                at++;
                return (0, 1);
            case '{':
                int end = at + 1;
                while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == ','))
                    end++;
                string[] counts = text[(at + 1)..end].Split(',');
                if (end == text.Length || text[end] != '}' || counts.Length > 2 || counts[0].Length == 0)
                    return null;
                at = end + 1;
                int least = int.Parse(counts[0], NumberStyles.None, CultureInfo.InvariantCulture);
                return (least, counts.Length == 1 ? least : counts[1].Length == 0 ? int.MaxValue
                    : int.Parse(counts[1], NumberStyles.None, CultureInfo.InvariantCulture));
            default:
                return null;
        }
    }

    /// <summary>Passes comments, and with the option x white space.</summary>
    private void SkipBlank()
    {
        while (true)
        {
            if (Has(RegexOptions.IgnorePatternWhitespace) && Next() is ' ' or '\t' or '\n' or '\f' or '\r')
                at++;
            else if (Has(RegexOptions.IgnorePatternWhitespace) && Next() == '#')
                at = text.IndexOf('\n', at) is >= 0 and var end ? end : text.Length;
            else if (Next() == '(' && Next(1) == '?' && Next(2) == '#')
                at = text.IndexOf(')', at) + 1;
            else
                return;
        }
    }
}
