using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Relaying;

/// <summary>
/// The standard streams of a job: a pair of connected sockets each. The daemon makes them; the worker gets copies of its ends.
/// <para>
/// No pipes: a pipe has one lock for both ends, which its reader and its writer hold while they copy from and to their own memory
/// (pipe_read and pipe_write in the kernel's pipe.c). A job whose memory is a page of a file system that never answers would hold it
/// for ever, and the daemon with it, in a sleep that no signal ends. The ends of a socket have nothing like that in common.
/// </para>
/// </summary>
internal sealed class JobStreams : IDisposable
{
    private readonly FileDescriptor workerStdin, workerStdout;
    private readonly FileDescriptor? workerStderr;

    private JobStreams(List<(FileDescriptor Own, FileDescriptor Workers)> pairs)
    {
        (Stdin, workerStdin) = pairs[0];
        (Stdout, workerStdout) = pairs[1];
        if (pairs.Count > 2)
            (Stderr, workerStderr) = pairs[2];

        // One way each, as a pipe's: what a job writes to its stdin nobody would read, and the other way round.
        Libc.shutdown(Stdin, SocketShutdown.SHUT_RD);
        Libc.shutdown(Stdout, SocketShutdown.SHUT_WR);
        if (Stderr is not null)
            Libc.shutdown(Stderr, SocketShutdown.SHUT_WR);
        foreach ((FileDescriptor own, _) in pairs)
            Libc.set_nonblocking(own);
    }

    /// <summary>Where the daemon writes the job's stdin.</summary>
    public FileDescriptor Stdin { get; }

    /// <summary>Where the daemon reads the job's stdout, and its stderr where they share one stream.</summary>
    public FileDescriptor Stdout { get; }

    /// <summary>Where the daemon reads the job's stderr; null where it shares stdout's stream.</summary>
    public FileDescriptor? Stderr { get; }

    /// <summary>Makes them.</summary>
    /// <param name="separateStderr">Whether stderr has a stream of its own; else both share one, so that their order is kept.</param>
    /// <exception cref="SystemCallException">There are no descriptors left; none is kept.</exception>
    public static JobStreams Create(bool separateStderr)
    {
        var pairs = new List<(FileDescriptor Own, FileDescriptor Workers)>(3);
        try
        {
            for (int i = 0; i < (separateStderr ? 3 : 2); i++)
                pairs.Add(Libc.socketpair_stream());
            return new JobStreams(pairs);
        }
        catch
        {
            foreach ((FileDescriptor own, FileDescriptor workers) in pairs)
            {
                own.Dispose();
                workers.Dispose();
            }

            throw;
        }
    }

    /// <summary>The worker's ends.</summary>
    public (FileDescriptor Stdin, FileDescriptor Stdout, FileDescriptor Stderr) WorkerEnds => (workerStdin, workerStdout, workerStderr ?? workerStdout);

    /// <summary>Closes the daemon's copies of the worker's ends, without which no stream would ever end.</summary>
    public void CloseWorkerEnds()
    {
        workerStdin.Dispose();
        workerStdout.Dispose();
        workerStderr?.Dispose();
    }

    public void Dispose()
    {
        CloseWorkerEnds();
        Stdin.Dispose();
        Stdout.Dispose();
        Stderr?.Dispose();
    }
}
