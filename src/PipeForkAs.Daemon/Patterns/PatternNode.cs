namespace PipeForkAs.Daemon.Patterns;

/// <summary>
/// A part of a pattern, as it was read. What a match captures, and whether a repetition is lazy, does not matter: the whole value matches
/// or not.
/// </summary>
internal abstract record PatternNode
{
    /// <summary>The longest text in UTF-16 units that it matches; <see cref="long.MaxValue"/> for no limit.</summary>
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

    /// <summary>One after the other; the empty text where there is none.</summary>
    internal sealed record Sequence(IReadOnlyList<PatternNode> Parts) : PatternNode
    {
        public override long Longest { get; } = Parts.Aggregate(0L, (sum, part) => Sum(sum, part.Longest));
    }

    /// <summary>One of several.</summary>
    internal sealed record Choice(IReadOnlyList<PatternNode> Ways) : PatternNode
    {
        public override long Longest { get; } = Ways.Max(way => way.Longest);
    }

    /// <summary>The same several times; <see cref="int.MaxValue"/> for no limit.</summary>
    internal sealed record Repetition(PatternNode Part, int Least, int Most) : PatternNode
    {
        public override long Longest { get; } = Product(Part.Longest, Most == int.MaxValue ? long.MaxValue : Most);
    }
}

/// <summary>The kinds of places between characters.</summary>
internal enum PatternPlace
{
    /// <summary>The value's beginning: <c>\A</c>, and <c>^</c>.</summary>
    Beginning,

    /// <summary>The value's end: <c>\z</c>.</summary>
    End,

    /// <summary>The value's end, or before a newline that ends it: <c>\Z</c>, and <c>$</c>.</summary>
    EndOrLastNewline,

    /// <summary>A line's beginning: <c>^</c> with the option m.</summary>
    LineBeginning,

    /// <summary>A line's end: <c>$</c> with the option m.</summary>
    LineEnd,

    /// <summary>Between a letter of a word and none: <c>\b</c>.</summary>
    WordBoundary,

    /// <summary>Anywhere else: <c>\B</c>.</summary>
    NoWordBoundary,
}
