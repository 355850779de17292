using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Worker;

/// <summary>
/// Assembles a program of classic BPF whose jumps lead to labels. Classic BPF only jumps forward, over at most 255 instructions, and not
/// beyond the end of the program.
/// </summary>
internal sealed class SeccompProgram(int capacity)
{
    private const int NotPlaced = -1;

    private readonly List<BpfInstruction> instructions = new(capacity);
    private readonly List<Jump> jumps = new(capacity);

    /// <summary>The index of the instruction that follows each label.</summary>
    private readonly List<int> places = new(capacity);

    /// <summary>Creates a label; its place must be after the jumps to it.</summary>
    public Label NewLabel()
    {
        places.Add(NotPlaced);
        return new Label(places.Count - 1);
    }

    /// <summary>Places a label before the next instruction.</summary>
    public void Place(Label label) =>
        places[label.Number] = places[label.Number] == NotPlaced ? instructions.Count : throw Broken("a label is defined twice");

    public void Load(SeccompData part) => Add(new(BpfCode.LoadWord, 0, 0, (uint)part));

    public void Keep(uint bits) => Add(new(BpfCode.And, 0, 0, bits));

    public void Return(uint value) => Add(new(BpfCode.Return, 0, 0, value));

    /// <summary>Jumps to the label if the condition is true; otherwise continues with the next instruction.</summary>
    public void JumpIf(BpfCode condition, uint constant, Label target) => Branch(condition, constant, target, isForTrue: true);

    /// <summary>Jumps to the label if the condition is false; otherwise continues with the next instruction.</summary>
    public void JumpUnless(BpfCode condition, uint constant, Label target) => Branch(condition, constant, target, isForTrue: false);

    /// <summary>Returns the program, with the number of instructions that each jump skips.</summary>
    /// <exception cref="InvalidOperationException">
    /// A label has no place, a jump leads backward, too far or out of the program, or the program does not end with a return.
    /// </exception>
    public BpfInstruction[] Assemble()
    {
        if (instructions.Count == 0 || instructions[^1].Code != BpfCode.Return)
            throw Broken("it does not end with a return");
        foreach (Jump jump in jumps)
        {
            int place = places[jump.Target.Number];
            if (place == NotPlaced)
                throw Broken("a jump leads to an undefined label");
            int distance = place - jump.From - 1;
            if (distance is < 0 or > byte.MaxValue || place == instructions.Count)
                throw Broken($"a jump cannot skip {distance} instructions");
            BpfInstruction instruction = instructions[jump.From];
            instructions[jump.From] = jump.IsForTrue
                ? instruction with { IfTrue = (byte)distance }
                : instruction with { IfFalse = (byte)distance };
        }

        return [.. instructions];
    }

    private void Branch(BpfCode condition, uint constant, Label target, bool isForTrue)
    {
        jumps.Add(new Jump(instructions.Count, target, isForTrue));
        Add(new(condition, 0, 0, constant));
    }

    private void Add(BpfInstruction instruction) => instructions.Add(instruction);

    private static InvalidOperationException Broken(string how) => new($"the seccomp program is invalid: {how}");

    /// <summary>A place in the program.</summary>
    public readonly record struct Label(int Number);

    private readonly record struct Jump(int From, Label Target, bool IsForTrue);
}
