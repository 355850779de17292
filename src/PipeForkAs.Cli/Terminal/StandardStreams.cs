using PipeForkAs.LibC;

namespace PipeForkAs.Cli.Terminal;

/// <summary>Descriptors 0, 1 and 2, without decoding and without buffers.</summary>
internal static class StandardStreams
{
    private const int Input = 0;
    private const int Output = 1;
    private const int Error = 2;

    /// <summary>Opens the streams of the process. First it opens /dev/null in place of closed descriptors, as set-user-id programs do.
    /// Otherwise the connection to the daemon would become the standard output, and the job's output would become the job's input. It is
    /// opened for reading, so a write to it still fails.
    /// </summary>
    public static StreamSet Open()
    {
        while (true)
        {
            using FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDONLY);
            if (nothing.Number > Error)
                break;
            nothing.Release();
        }

#pragma warning disable CA2000 // They stay open as long as the process lives.
        return new StreamSet(
            new FileDescriptor(Input), new DescriptorOutput(new FileDescriptor(Output)), new DescriptorOutput(new FileDescriptor(Error)));
#pragma warning restore CA2000
    }
}
