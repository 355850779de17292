using PipeForkAs.LibC;

namespace PipeForkAs.Cli.Terminal;

/// <summary>An output on a descriptor that other programs may share. Its flags do not change: they would change for all of these programs.
/// </summary>
internal sealed class DescriptorOutput(FileDescriptor descriptor) : Output
{
    /// <summary>The most bytes that a pipe takes without blocking when poll(2) reports room: PIPE_BUF, pipe(7).</summary>
    private const int SmallBytes = 4096;

    private Descriptor? described;

    private Descriptor Described => described ??= new Descriptor(descriptor, OpenFlags.O_WRONLY);

    public override FileDescriptor? Awaited(bool mayBlock) =>
        Described.IsFile || (mayBlock && Described.Blocks) ? null : Described.Waiting;

    protected override int WriteSome(ReadOnlySpan<byte> bytes, bool mayBlock)
    {
        Descriptor output = Described;
        if (!mayBlock && output.Blocks && bytes.Length > SmallBytes)
            output.OpenAgain();
        if (!mayBlock && output.Blocks && bytes.Length > SmallBytes)
            bytes = bytes[..SmallBytes];

        IOResult result = output.IsSocket ? Libc.send_nowait(output.Waiting, bytes) : Libc.write(output.Waiting, bytes);
        return result.WouldBlock ? 0 : Descriptor.Count(result);
    }
}
