namespace PipeForkAs.Daemon.Patterns;

/// <summary>
/// A pattern as a nondeterministic automaton (Thompson 1968). To follow it takes time that grows with the value's length times <see
/// cref="Weight"/>, and with nothing else: no deterministic automaton is derived from it, which values could make grow. A repeated single
/// character is one instruction with a counter of bits: <c>[^\0]{1,4096}</c> has 65 words instead of 4,096 states.
/// </summary>
internal sealed class PatternProgram
{
    private readonly PatternInstruction[] instructions;
    private readonly CharacterSet[] sets;
    private readonly PatternCounter[] counters;

    /// <summary>Makes a program.</summary>
    /// <param name="start">The instruction to begin with.</param>
    /// <param name="instructions">The instructions; the first is <see cref="PatternStep.Accept"/>.</param>
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

    /// <summary>The instruction to begin with.</summary>
    public int Start { get; }

    /// <summary>The instructions.</summary>
    public ReadOnlySpan<PatternInstruction> Instructions => instructions;

    /// <summary>The sets of characters.</summary>
    public ReadOnlySpan<CharacterSet> Sets => sets;

    /// <summary>The counters.</summary>
    public ReadOnlySpan<PatternCounter> Counters => counters;

    /// <summary>Words of all counters.</summary>
    public int CounterWords { get; }

    /// <summary>
    /// What one character of a value costs, in steps, up to a factor of 4: an instruction is one, of a counter's words 8 are.
    /// </summary>
    public int Weight { get; }
}
