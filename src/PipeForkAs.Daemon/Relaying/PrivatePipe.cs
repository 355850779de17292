using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Relaying;

/// <summary>
/// A pipe that never leaves the daemon: by it, bytes go from one socket to another inside the kernel (splice(2) wants a pipe on one
/// side), and nobody else can hold its lock.
/// </summary>
internal sealed class PrivatePipe : IDisposable
{
    /// <summary>What it takes at most in one go; its size where nobody changed it; pipe(7).</summary>
    public const int Capacity = 65_536;

    private PrivatePipe((FileDescriptor Read, FileDescriptor Write) ends) => (Read, Write) = ends;

    public FileDescriptor Read { get; }

    public FileDescriptor Write { get; }

    /// <summary>Makes one; null where there are no descriptors left: the bytes are copied then.</summary>
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
