using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Worker;

/// <summary>The sockets that connect a worker and the daemon, as one side sees them: the control socket and the standard streams. The job
/// host creates them in advance, when no request is waiting. The worker inherits its ends, and the job host sends the others to the daemon.
/// </summary>
/// <param name="Control">The control socket.</param>
/// <param name="Stdin">The socket of the job's stdin.</param>
/// <param name="Stdout">The socket of the job's stdout.</param>
internal sealed record WorkerEnds(FileDescriptor Control, FileDescriptor Stdin, FileDescriptor Stdout) : IDisposable
{
    /// <summary>Creates the ends of both sides.</summary>
    /// <exception cref="SystemCallException">The process has run out of descriptors; none stays open.</exception>
    public static (WorkerEnds Daemons, WorkerEnds Workers) Create()
    {
        (FileDescriptor Daemons, FileDescriptor Workers)? control = null, stdin = null, stdout = null;
        try
        {
            control = Libc.socketpair_seqpacket();
            stdin = Libc.socketpair_stream();
            stdout = Libc.socketpair_stream();

            // Each socket works in one direction, like a pipe: nothing reads what a job writes to its stdin, and the reverse.
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
