using System.Globalization;
using System.Text.RegularExpressions;

namespace PipeForkAs.Daemon.Patterns;

/// <summary>
/// Reads a regular expression of .NET. First the parser of .NET decides whether the expression is valid; this class reads its structure as
/// that parser does (System.Text.RegularExpressions/RegexParser.cs), and leaves the meaning of a single element to .NET
/// (<see cref="CharacterSet"/>).
/// </summary>
internal sealed class PatternReader : PatternScanner
{
    /// <summary>The maximum depth of nested groups.</summary>
    private const int MaxDepth = 200;

    /// <summary>The maximum number of different elements; .NET takes some milliseconds to determine the meaning of each.</summary>
    private const int MaxSets = 512;

    private readonly Dictionary<(string Element, bool IgnoresCase), CharacterSet> sets = [];
    private readonly Dictionary<char, CharacterSet> single = [];
    private RegexOptions options;
    private int depth;

    private PatternReader(string text)
        : base(text, new Regex(text, RegexOptions.CultureInvariant).GetGroupNumbers())
    {
    }

    /// <summary>Reads a pattern.</summary>
    /// <exception cref="ArgumentException">The text is not a regular expression.</exception>
    /// <exception cref="NotSupportedException">
    /// The pattern needs backtracking (a back reference, a look-around), or is nested too deeply.
    /// </exception>
    public static PatternNode Read(string text)
    {
        var reader = new PatternReader(text);
        PatternNode all = reader.Ways();
        return reader.At == text.Length ? all : throw reader.Unsupported("this construct");
    }

    private bool Has(RegexOptions option) => (options & option) != 0;

    private NotSupportedException Unsupported(string what) =>
        new(string.Create(CultureInfo.InvariantCulture, $"at character {At + 1}: {what} cannot be matched without backtracking"));

    /// <summary>Reads alternatives, which '|' separates, up to the end of the group.</summary>
    private PatternNode Ways()
    {
        var ways = new List<PatternNode>();
        var parts = new List<PatternNode>();
        while (true)
        {
            SkipBlank(Has(RegexOptions.IgnorePatternWhitespace));
            if (Next() is null or ')')
                break;
            if (Next() == '|')
            {
                At++;
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

    /// <summary>Reads one element; returns null for a group that only sets options.</summary>
    private PatternNode? Element()
    {
        char first = Text[At++];
        switch (first)
        {
            case '(':
                return Group();
            case '[':
                int begin = At - 1;
                EndClass();
                return Set(Text[begin..At]);
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
                throw new NotSupportedException($"it has more than {MaxSets} different character classes");
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
            throw new NotSupportedException($"it has more than {MaxDepth} levels of groups");
        PatternNode inside = Ways();
        if (Next() != ')')
            throw Unsupported("this group");
        At++;
        depth--;
        options = outside;
        return inside;
    }

    /// <summary>
    /// Reads what follows "(?". Returns whether a group begins; otherwise it set options, up to the end of the enclosing group.
    /// </summary>
    private bool Opens()
    {
        At++;
        switch (Next())
        {
            case ':':
                At++;
                return true;
            case '<' or '\'' when Next(1) is not ('=' or '!'):
                char close = Next() == '<' ? '>' : '\'';
                int end = Text.IndexOf(close, At + 1);
                if (end < 0 || Text.AsSpan(At, end - At).Contains('-'))
                    throw Unsupported("a balancing group");
                At = end + 1;
                return true;
            case '<' or '=' or '!' or '>' or '(' or '\'':
                throw Unsupported("a look-around, an atomic group or a condition");
        }

        SetOptions();
        if (Next() is not (':' or ')'))
            throw Unsupported("this group");
        return Text[At++] == ':';
    }

    private void SetOptions()
    {
        for (bool off = false; At < Text.Length; At++)
        {
            RegexOptions option = (char)(Text[At] | 0x20) switch
            {
                'i' => RegexOptions.IgnoreCase,
                'm' => RegexOptions.Multiline,
                'n' => RegexOptions.ExplicitCapture,
                's' => RegexOptions.Singleline,
                'x' => RegexOptions.IgnorePatternWhitespace,
                _ => RegexOptions.None,
            };
            if (Text[At] is '-' or '+')
                off = Text[At] == '-';
            else if (option == RegexOptions.None)
                return;
            else
                options = off ? options & ~option : options | option;
        }
    }

    private PatternNode Escape()
    {
        int begin = At - 1;
        char kind = Text[At++];
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
                At = Text.IndexOf('}', At) + 1;
                break;
            case 'w' or 'W' or 's' or 'S' or 'd' or 'D':
                break;
            default:
                if (IsReference(kind))
                    throw Unsupported("a back reference");
                At = begin + 1;
                EndCharacter();
                break;
        }

        return Set(Text[begin..At]);
    }

    private PatternNode Repeated(PatternNode element)
    {
        SkipBlank(Has(RegexOptions.IgnorePatternWhitespace));
        if (Quantifier() is not { } counts)
            return element;
        SkipBlank(Has(RegexOptions.IgnorePatternWhitespace));
        if (Next() == '?')
            At++;
        return new PatternNode.Repetition(element, counts.Least, counts.Most);
    }
}
