namespace PipeForkAs.Daemon.Patterns;

/// <summary>
/// Compiles a pattern into a <see cref="PatternProgram"/>, from its end to its beginning: the compiler adds each part when it knows what
/// follows the part.
/// </summary>
internal sealed class PatternCompiler
{
    /// <summary>The maximum number of instructions and words of counters: a match needs about 24 bytes for each.</summary>
    public const int MaxWeight = 64 * 1024;

    private const int WordBits = 64;

    private readonly List<PatternInstruction> instructions = [new(PatternStep.Accept, 0)];
    private readonly List<CharacterSet> sets = [];
    private readonly Dictionary<CharacterSet, int> numbers = [];
    private readonly List<PatternCounter> counters = [];
    private int counterWords;

    private PatternCompiler()
    {
    }

    /// <summary>Compiles a pattern.</summary>
    /// <exception cref="NotSupportedException">The program would exceed <see cref="MaxWeight"/>.</exception>
    public static PatternProgram Compile(PatternNode pattern)
    {
        var compiler = new PatternCompiler();
        int start = compiler.Add(pattern, 0);
        return new PatternProgram(start, [.. compiler.instructions], [.. compiler.sets], [.. compiler.counters]);
    }

    /// <summary>Adds the instructions of a part; returns the first instruction.</summary>
    /// <param name="node">The part.</param>
    /// <param name="next">The instruction that follows the part.</param>
    private int Add(PatternNode node, int next)
    {
        switch (node)
        {
            case PatternNode.Character character:
                return Add(new PatternInstruction(PatternStep.Character, next, Number(character.Set)));
            case PatternNode.Place place:
                return Add(new PatternInstruction(PatternStep.Place, next, (int)place.Kind));
            case PatternNode.Sequence sequence:
                for (int i = sequence.Parts.Count - 1; i >= 0; i--)
                    next = Add(sequence.Parts[i], next);
                return next;
            case PatternNode.Choice choice:
                int ways = Add(choice.Ways[^1], next);
                for (int i = choice.Ways.Count - 2; i >= 0; i--)
                    ways = Add(new PatternInstruction(PatternStep.Split, Add(choice.Ways[i], next), ways));
                return ways;
            case PatternNode.Repetition { Part: PatternNode.Character character } counted:
                return AddCounter(character, counted, next);
            case PatternNode.Repetition repetition:
                return AddCopies(repetition, next);
            default:
                throw new InvalidOperationException($"a pattern has no part {node}");
        }
    }

    private int AddCounter(PatternNode.Character character, PatternNode.Repetition counted, int next)
    {
        if (counted.Most == 0)
            return next;
        bool endless = counted.Most == int.MaxValue;
        int most = endless ? counted.Least : counted.Most;
        if (most / WordBits > MaxWeight)
            throw TooLarge();
        int words = (most / WordBits) + 1;
        counters.Add(new PatternCounter(counterWords, words, counted.Least, most, endless));
        counterWords += words;
        return Add(new PatternInstruction(PatternStep.Count, next, Number(character.Set), counters.Count - 1));
    }

    /// <summary>
    /// Adds the copies of a repetition: the required copies, and after them a loop, or the optional copies, each nested in the one before
    /// it.
    /// </summary>
    private int AddCopies(PatternNode.Repetition repetition, int next)
    {
        int entry = next;
        if (repetition.Most == int.MaxValue)
        {
            entry = Add(new PatternInstruction(PatternStep.Split, next, next));
            instructions[entry] = new PatternInstruction(PatternStep.Split, Add(repetition.Part, entry), next);
        }
        else
        {
            for (int i = repetition.Least; i < repetition.Most; i++)
                entry = Add(new PatternInstruction(PatternStep.Split, Add(repetition.Part, entry), next));
        }

        for (int i = 0; i < repetition.Least; i++)
        {
            int before = instructions.Count;
            entry = Add(repetition.Part, entry);
            if (instructions.Count == before)
                break; // The part matches the empty text, any number of times.
        }

        return entry;
    }

    private int Add(in PatternInstruction instruction)
    {
        if (instructions.Count + counterWords >= MaxWeight)
            throw TooLarge();
        instructions.Add(instruction);
        return instructions.Count - 1;
    }

    private int Number(CharacterSet set)
    {
        if (!numbers.TryGetValue(set, out int number))
        {
            numbers.Add(set, number = sets.Count);
            sets.Add(set);
        }

        return number;
    }

    private static NotSupportedException TooLarge() =>
        new($"its repetitions and alternatives make more than {MaxWeight} states; use smaller counts");
}
