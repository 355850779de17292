using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace PipeForkAs.Daemon.Patterns;

/// <summary>
/// A set of UTF-16 units, the meaning of one element of a regular expression. The regex engine of .NET determines the meaning when the set
/// is made.
/// </summary>
internal sealed class CharacterSet
{
    private static readonly string AllUnits = string.Create(char.MaxValue + 1, 0, static (units, _) =>
    {
        for (int i = 0; i < units.Length; i++)
            units[i] = (char)i;
    });

    /// <summary>Escapes of two characters, for example <c>\w</c>: many patterns use them, and there are few.</summary>
    private static readonly ConcurrentDictionary<(string Element, bool IgnoresCase), CharacterSet> Common = new();

    private readonly ulong low, high;
    private readonly char[] firsts;
    private readonly char[] lasts;

    private CharacterSet(IReadOnlyList<(char First, char Last)> ranges)
    {
        firsts = [.. ranges.Select(range => range.First)];
        lasts = [.. ranges.Select(range => range.Last)];
        for (int i = 0; i < 64; i++)
        {
            low |= Search((char)i) ? 1UL << i : 0;
            high |= Search((char)(i + 64)) ? 1UL << i : 0;
        }
    }

    /// <summary>Every unit.</summary>
    public static CharacterSet All { get; } = new([('\0', char.MaxValue)]);

    /// <summary>All units except the newline: the meaning of <c>.</c> without the option s.</summary>
    public static CharacterSet NoNewline { get; } = new([('\0', '\x9'), ('\xB', char.MaxValue)]);

    /// <summary>The word characters, whose borders are <c>\b</c>: those of <c>\w</c> and the two joiners.</summary>
    public static CharacterSet WordLetters { get; } = Of(@"[\w\u200C\u200D]", ignoresCase: false);

    public static CharacterSet Only(char unit) => new([(unit, unit)]);

    /// <summary>Returns the meaning of an element.</summary>
    /// <param name="element">One element of a regular expression, which matches one unit: a class, an escape.</param>
    /// <param name="ignoresCase">Whether the option i is set.</param>
    /// <exception cref="NotSupportedException">The element matches something other than single units.</exception>
    public static CharacterSet Of(string element, bool ignoresCase) => element is ['\\', < '\x80']
        ? Common.GetOrAdd((element, ignoresCase), static key => Ask(key.Element, key.IgnoresCase))
        : Ask(element, ignoresCase);

    private static CharacterSet Ask(string element, bool ignoresCase)
    {
        var regex = new Regex(element, RegexOptions.CultureInvariant | (ignoresCase ? RegexOptions.IgnoreCase : RegexOptions.None));
        var ranges = new List<(char First, char Last)>();
        foreach (ValueMatch match in regex.EnumerateMatches(AllUnits))
        {
            if (match.Length != 1)
                throw new NotSupportedException($"\"{element}\" is not one character");
            if (ranges.Count > 0 && ranges[^1].Last == match.Index - 1)
                ranges[^1] = (ranges[^1].First, (char)match.Index);
            else
                ranges.Add(((char)match.Index, (char)match.Index));
        }

        return new CharacterSet(ranges);
    }

    /// <summary>Whether the set contains a unit; at most 16 comparisons.</summary>
    public bool Contains(char unit) => unit < 128 ? ((unit < 64 ? low : high) >> (unit & 63) & 1) != 0 : Search(unit);

    private bool Search(char unit)
    {
        int place = firsts.AsSpan().BinarySearch(unit);
        return place >= 0 || (~place > 0 && unit <= lasts[~place - 1]);
    }
}
