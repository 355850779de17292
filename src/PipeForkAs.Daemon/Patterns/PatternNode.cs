namespace PipeForkAs.Daemon.Patterns;

/// <summary>
/// A part of a pattern as read. What a match captures, and whether a repetition is lazy, does not matter: the result is only whether the
/// whole value matches.
/// </summary>
internal abstract record PatternNode
{
    /// <summary>The length of the longest text that the part matches, in UTF-16 units; <see cref="long.MaxValue"/> for no limit.</summary>
    public abstract long Longest { get; }

    private static long Sum(long a, long b) => a > long.MaxValue - b ? long.MaxValue : a + b;

    private static long Product(long length, long count) =>
        length == 0 || count == 0 ? 0 : length > long.MaxValue / count ? long.MaxValue : length * count;

    /// <summary>One character of a set.</summary>
    internal sealed record Character(CharacterSet Set) : PatternNode
    {
        public override long Longest => 1;
    }

    /// <summary>A place that must be of a kind; it takes no character.</summary>
    internal sealed record Place(PatternPlace Kind) : PatternNode
    {
        public override long Longest => 0;
    }

    /// <summary>Parts in sequence; the empty text if there are none.</summary>
    internal sealed record Sequence(IReadOnlyList<PatternNode> Parts) : PatternNode
    {
        public override long Longest { get; } = Parts.Aggregate(0L, (sum, part) => Sum(sum, part.Longest));
    }

    /// <summary>One of several alternatives.</summary>
    internal sealed record Choice(IReadOnlyList<PatternNode> Ways) : PatternNode
    {
        public override long Longest { get; } = Ways.Max(way => way.Longest);
    }

    /// <summary>A repeated part; <see cref="int.MaxValue"/> for no limit.</summary>
    internal sealed record Repetition(PatternNode Part, int Least, int Most) : PatternNode
    {
        public override long Longest { get; } = Product(Part.Longest, Most == int.MaxValue ? long.MaxValue : Most);
    }
}

/// <summary>The kinds of places between characters.</summary>
internal enum PatternPlace
{
    /// <summary>The beginning of the value: <c>\A</c>, and <c>^</c>.</summary>
    Beginning,

    /// <summary>The end of the value: <c>\z</c>.</summary>
    End,

    /// <summary>The end of the value, or the place before its final newline: <c>\Z</c>, and <c>$</c>.</summary>
    EndOrLastNewline,

    /// <summary>The beginning of a line: <c>^</c> with the option m.</summary>
    LineBeginning,

    /// <summary>The end of a line: <c>$</c> with the option m.</summary>
    LineEnd,

    /// <summary>The border of a word: <c>\b</c>.</summary>
    WordBoundary,

    /// <summary>Any other place: <c>\B</c>.</summary>
    NoWordBoundary,
}
