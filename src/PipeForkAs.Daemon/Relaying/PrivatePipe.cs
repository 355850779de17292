using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Relaying;

/// <summary>
/// A pipe that never leaves the daemon. It moves bytes from one socket to another inside the kernel, because splice(2) requires a pipe on
/// one side. No other process can hold its lock.
/// </summary>
internal sealed class PrivatePipe : IDisposable
{
    /// <summary>The maximum number of bytes in one transfer: the default size of a pipe; see pipe(7).</summary>
    public const int Capacity = 65_536;

    private PrivatePipe((FileDescriptor Read, FileDescriptor Write) ends) => (Read, Write) = ends;

    public FileDescriptor Read { get; }

    public FileDescriptor Write { get; }

    /// <summary>Creates a pipe. Returns null if the process ran out of descriptors; then the bytes are copied.</summary>
    public static PrivatePipe? TryCreate()
    {
        try
        {
            return new PrivatePipe(Libc.pipe2());
        }
        catch (SystemCallException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        Read.Dispose();
        Write.Dispose();
    }
}
