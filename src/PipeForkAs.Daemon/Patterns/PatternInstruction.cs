namespace PipeForkAs.Daemon.Patterns;

/// <summary>What an instruction of a <see cref="PatternProgram"/> does.</summary>
internal enum PatternStep : byte
{
    /// <summary>Accepts the value if it ends here.</summary>
    Accept,

    /// <summary>Takes one character of a set.</summary>
    Character,

    /// <summary>Takes a counted number of characters of a set.</summary>
    Count,

    /// <summary>Continues at two places.</summary>
    Split,

    /// <summary>Continues if the place is of a kind.</summary>
    Place,
}

/// <summary>An instruction.</summary>
/// <param name="Step">What the instruction does.</param>
/// <param name="Next">The next instruction.</param>
/// <param name="Argument">The number of a set; for <see cref="PatternStep.Split"/> the other instruction; or the kind of the place.</param>
/// <param name="Counter">The number of a counter.</param>
internal readonly record struct PatternInstruction(PatternStep Step, int Next, int Argument = 0, int Counter = 0);

/// <summary>A counter of repeated characters: bit N of its words is set if N characters have been taken.</summary>
/// <param name="Word">The index of its first word among those of all counters.</param>
/// <param name="Words">The number of its words.</param>
/// <param name="Least">The least count with which the repetition can end.</param>
/// <param name="Most">The largest count.</param>
/// <param name="IsEndless">Whether a count at <paramref name="Most"/>, which then equals <paramref name="Least"/>, stays there.</param>
internal readonly record struct PatternCounter(int Word, int Words, int Least, int Most, bool IsEndless)
{
    /// <summary>The cost of an increment, in steps.</summary>
    public int Steps => (Words + 7) / 8;
}
