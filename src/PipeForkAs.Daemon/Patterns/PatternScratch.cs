namespace PipeForkAs.Daemon.Patterns;

/// <summary>
/// The memory of one match, which the next match uses again: it grows with the largest pattern, never with a value. For one thread at a
/// time.
/// </summary>
internal sealed class PatternScratch
{
    /// <summary>The instructions at which the match is now.</summary>
    public PatternPositions Current { get; private set; } = new();

    /// <summary>The instructions at which the match will be after the next character.</summary>
    public PatternPositions Following { get; private set; } = new();

    /// <summary>The instructions to enter.</summary>
    public Stack<int> Entered { get; } = new();

    /// <summary>The words of all counters; the words of a counter are zero while the match is not at that counter.</summary>
    public ulong[] Counts { get; private set; } = [];

    /// <summary>For each set, the place whose character <see cref="IsIn"/> describes.</summary>
    public int[] AskedAt { get; private set; } = [];

    /// <summary>Whether the set contains the character at <see cref="AskedAt"/>.</summary>
    public bool[] IsIn { get; private set; } = [];

    /// <summary>Prepares for a match.</summary>
    public void Begin(PatternProgram program)
    {
        Current.Begin(program.Instructions.Length);
        Following.Begin(program.Instructions.Length);
        Entered.Clear();
        if (Counts.Length < program.CounterWords)
            Counts = new ulong[program.CounterWords];
        else
            Array.Clear(Counts, 0, program.CounterWords);
        if (AskedAt.Length < program.Sets.Length)
            (AskedAt, IsIn) = (new int[program.Sets.Length], new bool[program.Sets.Length]);
        Array.Fill(AskedAt, -1, 0, program.Sets.Length);
    }

    /// <summary>Makes the following instructions the current ones.</summary>
    public void Advance()
    {
        (Current, Following) = (Following, Current);
        Following.Clear();
    }
}

/// <summary>A set of instructions (Briggs and Torczon 1993): to add, look up and clear takes the same time for any size.</summary>
internal sealed class PatternPositions
{
    private int[] members = [];
    private int[] places = [];

    public int Count { get; private set; }

    /// <summary>The instructions in the set, in the order in which they were added.</summary>
    public ReadOnlySpan<int> Members => members.AsSpan(0, Count);

    /// <summary>Clears the set, and makes room.</summary>
    public void Begin(int instructions)
    {
        Count = 0;
        if (members.Length < instructions)
            (members, places) = (new int[instructions], new int[instructions]);
    }

    public void Clear() => Count = 0;

    /// <summary>Adds an instruction; returns false if the set already contains it.</summary>
    public bool Add(int instruction)
    {
        int place = places[instruction];
        if (place < Count && members[place] == instruction)
            return false;
        members[Count] = instruction;
        places[instruction] = Count++;
        return true;
    }
}
