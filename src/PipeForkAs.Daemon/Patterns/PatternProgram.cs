namespace PipeForkAs.Daemon.Patterns;

/// <summary>
/// A pattern as a nondeterministic automaton (Thompson 1968). The time of a match grows only with the length of the value times
/// <see cref="Weight"/>: no deterministic automaton is built, which values could make grow. A repeated single character is one instruction
/// with a counter of bits: <c>[^\0]{1,4096}</c> has 65 words instead of 4,096 states.
/// </summary>
internal sealed class PatternProgram
{
    private readonly PatternInstruction[] instructions;
    private readonly CharacterSet[] sets;
    private readonly PatternCounter[] counters;

    /// <summary>Makes a program.</summary>
    /// <param name="start">The first instruction.</param>
    /// <param name="instructions">The instructions; instruction 0 is <see cref="PatternStep.Accept"/>.</param>
    /// <param name="sets">The sets of characters.</param>
    /// <param name="counters">The counters.</param>
    public PatternProgram(int start, PatternInstruction[] instructions, CharacterSet[] sets, PatternCounter[] counters)
    {
        Start = start;
        this.instructions = instructions;
        this.sets = sets;
        this.counters = counters;
        CounterWords = counters.Sum(counter => counter.Words);
        Weight = instructions.Length + counters.Sum(counter => counter.Steps);
    }

    /// <summary>The index of the instruction with which a match begins.</summary>
    public int Start { get; }

    public ReadOnlySpan<PatternInstruction> Instructions => instructions;

    public ReadOnlySpan<CharacterSet> Sets => sets;

    public ReadOnlySpan<PatternCounter> Counters => counters;

    /// <summary>The number of words of all counters.</summary>
    public int CounterWords { get; }

    /// <summary>
    /// The cost of one character of a value, in steps, up to a factor of 4: an instruction costs one step, and 8 words of a counter cost
    /// one step.
    /// </summary>
    public int Weight { get; }
}
