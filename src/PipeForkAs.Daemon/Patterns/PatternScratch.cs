namespace PipeForkAs.Daemon.Patterns;

/// <summary>
/// The memory of one match, which is used again for the next: it grows with the largest pattern, never with a value. For one thread at a
/// time.
/// </summary>
internal sealed class PatternScratch
{
    /// <summary>Instructions that the match is at.</summary>
    public PatternPositions Current { get; private set; } = new();

    /// <summary>Those that it will be at behind the next character.</summary>
    public PatternPositions Following { get; private set; } = new();

    /// <summary>Instructions to be entered.</summary>
    public Stack<int> Entered { get; } = new();

    /// <summary>The words of all counters; those of counters that the match is not at are zero.</summary>
    public ulong[] Counts { get; private set; } = [];

    /// <summary>For each set the place for which <see cref="IsIn"/> says whether its character is in the set.</summary>
    public int[] AskedAt { get; private set; } = [];

    /// <summary>Whether the character of <see cref="AskedAt"/> is in the set.</summary>
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

    /// <summary>What follows is where the match is now.</summary>
    public void Advance()
    {
        (Current, Following) = (Following, Current);
        Following.Clear();
    }
}

/// <summary>
/// A set of instructions (Briggs and Torczon 1993): to add, to ask and to empty it take the same time whatever its size is.
/// </summary>
internal sealed class PatternPositions
{
    private int[] members = [];
    private int[] places = [];

    /// <summary>How many are in it.</summary>
    public int Count { get; private set; }

    /// <summary>Those that are in it, in the order in which they came.</summary>
    public ReadOnlySpan<int> Members => members.AsSpan(0, Count);

    /// <summary>Empties it, and makes room.</summary>
    public void Begin(int instructions)
    {
        Count = 0;
        if (members.Length < instructions)
            (members, places) = (new int[instructions], new int[instructions]);
    }

    /// <summary>Empties it.</summary>
    public void Clear() => Count = 0;

    /// <summary>Adds one; false where it is in it already.</summary>
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
