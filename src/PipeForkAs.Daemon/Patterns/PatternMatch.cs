namespace PipeForkAs.Daemon.Patterns;

/// <summary>Runs a program over a value, character by character, with all possible positions in the program at once.</summary>
/// <param name="program">The program.</param>
/// <param name="value">The value.</param>
/// <param name="scratch">The memory; no other match can use it meanwhile.</param>
internal readonly ref struct PatternMatch(PatternProgram program, ReadOnlySpan<char> value, PatternScratch scratch)
{
    private readonly ReadOnlySpan<char> value = value;

    /// <summary>Whether the whole value matches; null if the steps ran out.</summary>
    /// <param name="steps">The available steps; the match subtracts those that it took.</param>
    public bool? Run(ref long steps)
    {
        steps -= program.Weight;
        if (steps <= 0)
            return null;
        scratch.Begin(program);
        scratch.Entered.Push(program.Start);
        steps -= Enter(scratch.Current, 0);
        for (int at = 0; at < value.Length; at++)
        {
            if (scratch.Current.Count == 0)
                return false;
            if (steps <= 0)
                return null;
            steps -= Take(at);
            steps -= Enter(scratch.Following, at + 1);
            scratch.Advance();
        }

        // Add returns whether the instruction is new: instruction 0 is the accepting one.
        return !scratch.Current.Add(0);
    }

    /// <summary>Takes the character at a place; returns the number of steps.</summary>
    private int Take(int at)
    {
        int steps = 0;
        foreach (int place in scratch.Current.Members)
        {
            PatternInstruction instruction = program.Instructions[place];
            steps++;
            switch (instruction.Step)
            {
                case PatternStep.Character when IsIn(instruction.Argument, at):
                    scratch.Entered.Push(instruction.Next);
                    break;
                case PatternStep.Count:
                    PatternCounter counter = program.Counters[instruction.Counter];
                    Span<ulong> counts = scratch.Counts.AsSpan(counter.Word, counter.Words);
                    steps += counter.Steps;
                    if (!IsIn(instruction.Argument, at))
                    {
                        counts.Clear();
                    }
                    else if (Increment(counts, counter))
                    {
                        scratch.Following.Add(place);
                        if (MayEnd(counts, counter.Least))
                            scratch.Entered.Push(instruction.Next);
                    }

                    break;
            }
        }

        return steps;
    }

    /// <summary>Follows the entered instructions until they need a character; returns the number of steps.</summary>
    private int Enter(PatternPositions positions, int at)
    {
        int steps = 0;
        while (scratch.Entered.TryPop(out int place))
        {
            steps++;
            PatternInstruction instruction = program.Instructions[place];
            if (instruction.Step == PatternStep.Count)
            {
                // The instruction can be in the set already, with other counts.
                PatternCounter counter = program.Counters[instruction.Counter];
                ref ulong first = ref scratch.Counts[counter.Word];
                bool isNew = (first & 1) == 0;
                first |= 1;
                positions.Add(place);
                if (isNew && counter.Least == 0)
                    scratch.Entered.Push(instruction.Next);
            }
            else if (positions.Add(place))
            {
                if (instruction.Step == PatternStep.Split)
                {
                    scratch.Entered.Push(instruction.Argument);
                    scratch.Entered.Push(instruction.Next);
                }
                else if (instruction.Step == PatternStep.Place && Is((PatternPlace)instruction.Argument, at))
                {
                    scratch.Entered.Push(instruction.Next);
                }
            }
        }

        return steps;
    }

    /// <summary>
    /// Adds one to all counts; returns false if no count is left. Counts at the maximum are dropped, except in an endless repetition.
    /// </summary>
    private static bool Increment(Span<ulong> counts, in PatternCounter counter)
    {
        int most = counter.Most & 63;
        ulong stays = counter.IsEndless ? counts[^1] & (1UL << most) : 0;
        ulong carried = 0, any = 0;
        foreach (ref ulong word in counts[..^1])
        {
            (word, carried) = (word << 1 | carried, word >> 63);
            any |= word;
        }

        ulong upToMost = ulong.MaxValue >> (63 - most);
        counts[^1] = ((counts[^1] << 1 | carried) & upToMost) | stays;
        return (any | counts[^1]) != 0;
    }

    private static bool MayEnd(ReadOnlySpan<ulong> counts, int least)
    {
        int word = least >> 6;
        return counts[word] >> (least & 63) != 0 || counts[(word + 1)..].IndexOfAnyExcept(0UL) >= 0;
    }

    private bool IsIn(int set, int at)
    {
        if (scratch.AskedAt[set] != at)
            (scratch.AskedAt[set], scratch.IsIn[set]) = (at, program.Sets[set].Contains(value[at]));
        return scratch.IsIn[set];
    }

    private bool Is(PatternPlace place, int at) => place switch
    {
        PatternPlace.Beginning => at == 0,
        PatternPlace.End => at == value.Length,
        PatternPlace.EndOrLastNewline => at == value.Length || (at == value.Length - 1 && value[at] == '\n'),
        PatternPlace.LineBeginning => at == 0 || value[at - 1] == '\n',
        PatternPlace.LineEnd => at == value.Length || value[at] == '\n',
        PatternPlace.WordBoundary => IsWordLetter(at - 1) != IsWordLetter(at),
        _ => IsWordLetter(at - 1) == IsWordLetter(at),
    };

    private bool IsWordLetter(int at) => at >= 0 && at < value.Length && CharacterSet.WordLetters.Contains(value[at]);
}
