namespace PipeForkAs.Protocol.Worker;

/// <summary>Sandboxes as parts of messages.</summary>
internal static class SandboxMessage
{
    public static void EncodeAll(IReadOnlyList<Sandbox> sandboxes, MessageWriter writer)
    {
        writer.Int32(sandboxes.Count);
        for (int i = 0; i < sandboxes.Count; i++)
            Encode(sandboxes[i], writer);
    }

    /// <exception cref="FormatException">It is not a list of sandboxes.</exception>
    public static Sandbox[] DecodeAll(ref MessageReader reader)
    {
        var sandboxes = new Sandbox[reader.Count((2 * sizeof(int)) + 2)];
        for (int i = 0; i < sandboxes.Length; i++)
            sandboxes[i] = Decode(ref reader);
        return sandboxes;
    }

    private static void Encode(Sandbox sandbox, MessageWriter writer) =>
        writer.Texts(sandbox.ReadOnly).Texts(sandbox.ReadWrite).Bool(sandbox.NoNetwork).Byte((byte)sandbox.Seccomp);

    private static Sandbox Decode(ref MessageReader reader)
    {
        var sandbox = new Sandbox
        {
            ReadOnly = reader.Texts(),
            ReadWrite = reader.Texts(),
            NoNetwork = reader.Bool(),
            Seccomp = (SeccompProfile)reader.Byte(),
        };
        return sandbox.Seccomp <= SeccompProfile.Default
            ? sandbox
            : throw new FormatException($"unknown seccomp profile {(int)sandbox.Seccomp}");
    }
}
