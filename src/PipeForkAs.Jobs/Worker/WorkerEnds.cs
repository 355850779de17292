using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Worker;

/// <summary>
/// What joins a worker to the daemon, seen from one of the two: its control socket and its standard streams. Made before the fork, while
/// nobody waits; the worker inherits its own, and the daemon is sent the others.
/// </summary>
/// <param name="Control">The control socket.</param>
/// <param name="Stdin">The stream of the job's stdin.</param>
/// <param name="Stdout">The stream of the job's stdout.</param>
internal sealed record WorkerEnds(FileDescriptor Control, FileDescriptor Stdin, FileDescriptor Stdout) : IDisposable
{
    /// <summary>Makes both.</summary>
    /// <exception cref="SystemCallException">There are no descriptors left; none is kept.</exception>
    public static (WorkerEnds Daemons, WorkerEnds Workers) Create()
    {
        (FileDescriptor Daemons, FileDescriptor Workers)? control = null, stdin = null, stdout = null;
        try
        {
            control = Libc.socketpair_seqpacket();
            stdin = Libc.socketpair_stream();
            stdout = Libc.socketpair_stream();

            // One way each, as a pipe's: what a job writes to its stdin nobody would read, and the other way round.
            Libc.shutdown(stdin.Value.Daemons, SocketShutdown.SHUT_RD);
            Libc.shutdown(stdout.Value.Daemons, SocketShutdown.SHUT_WR);
            return (new WorkerEnds(control.Value.Daemons, stdin.Value.Daemons, stdout.Value.Daemons),
                new WorkerEnds(control.Value.Workers, stdin.Value.Workers, stdout.Value.Workers));
        }
        catch
        {
            Close(control);
            Close(stdin);
            Close(stdout);
            throw;
        }
    }

    public void Dispose()
    {
        Control.Dispose();
        Stdin.Dispose();
        Stdout.Dispose();
    }

    private static void Close((FileDescriptor Daemons, FileDescriptor Workers)? pair)
    {
        pair?.Daemons.Dispose();
        pair?.Workers.Dispose();
    }
}
