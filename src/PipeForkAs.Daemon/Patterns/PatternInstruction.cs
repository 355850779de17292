namespace PipeForkAs.Daemon.Patterns;

/// <summary>What an instruction of a <see cref="PatternProgram"/> does.</summary>
internal enum PatternStep : byte
{
    /// <summary>The value matches, where it ends here.</summary>
    Accept,

    /// <summary>Takes one character of a set.</summary>
    Character,

    /// <summary>Takes characters of a set, as many as are counted.</summary>
    Count,

    /// <summary>Goes on at two places.</summary>
    Split,

    /// <summary>Goes on where the place is of a kind.</summary>
    Place,
}

/// <summary>An instruction.</summary>
/// <param name="Step">What it does.</param>
/// <param name="Next">The instruction behind it.</param>
/// <param name="Argument">The number of a set; of <see cref="PatternStep.Split"/> the other instruction; the place's kind.</param>
/// <param name="Counter">The number of a counter.</param>
internal readonly record struct PatternInstruction(PatternStep Step, int Next, int Argument = 0, int Counter = 0);

/// <summary>A counter of repeated characters: bit N of its words is set where N characters have been taken.</summary>
/// <param name="Word">Its first word among those of all counters.</param>
/// <param name="Words">How many words it has.</param>
/// <param name="Least">The least count with which the repetition may end.</param>
/// <param name="Most">The largest count.</param>
/// <param name="IsEndless">Whether a count at <paramref name="Most"/>, which is <paramref name="Least"/> then, stays there.</param>
internal readonly record struct PatternCounter(int Word, int Words, int Least, int Most, bool IsEndless)
{
    /// <summary>What it costs to count, in steps.</summary>
    public int Steps => (Words + 7) / 8;
}
