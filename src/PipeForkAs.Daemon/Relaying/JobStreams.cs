using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Relaying;

/// <summary>
/// The standard streams of a job: a pair of connected sockets each, or /dev/null for an input that has nothing in it. The daemon makes
/// them; the worker gets copies of its ends.
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

    private JobStreams((FileDescriptor? Own, FileDescriptor Workers) stdin, (FileDescriptor Own, FileDescriptor Workers) stdout, (FileDescriptor? Own, FileDescriptor? Workers) stderr)
    {
        (Stdin, workerStdin) = stdin;
        (Stdout, workerStdout) = stdout;
        (Stderr, workerStderr) = stderr;
    }

    /// <summary>Where the daemon writes the job's stdin; null where that is empty.</summary>
    public FileDescriptor? Stdin { get; }

    /// <summary>Where the daemon reads the job's stdout, and its stderr where they share one stream.</summary>
    public FileDescriptor Stdout { get; }

    /// <summary>Where the daemon reads the job's stderr; null where it shares stdout's stream.</summary>
    public FileDescriptor? Stderr { get; }

    /// <summary>Makes them.</summary>
    /// <param name="separateStderr">Whether stderr has a stream of its own; else both share one, so that their order is kept.</param>
    /// <param name="emptyStdin">Whether stdin has nothing in it, and never will.</param>
    /// <exception cref="SystemCallException">There are no descriptors left; none is kept.</exception>
    public static JobStreams Create(bool separateStderr, bool emptyStdin)
    {
        (FileDescriptor? Own, FileDescriptor? Workers) stdin = default, stdout = default, stderr = default;
        try
        {
            // One of its own: what is set on an open file (O_NONBLOCK, locks) is set for all who share it.
            stdin = emptyStdin ? (null, Libc.open("/dev/null", OpenFlags.O_RDONLY)) : Pair(SocketShutdown.SHUT_RD);
            stdout = Pair(SocketShutdown.SHUT_WR);
            if (separateStderr)
                stderr = Pair(SocketShutdown.SHUT_WR);
            return new JobStreams((stdin.Own, stdin.Workers!), (stdout.Own!, stdout.Workers!), stderr);
        }
        catch
        {
            foreach (FileDescriptor? made in new[] { stdin.Own, stdin.Workers, stdout.Own, stdout.Workers })
                made?.Dispose();
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
        Stdin?.Dispose();
        Stdout.Dispose();
        Stderr?.Dispose();
    }

    /// <summary>One way, as a pipe: what a job writes to its stdin nobody would read, and the other way round.</summary>
    private static (FileDescriptor Own, FileDescriptor Workers) Pair(SocketShutdown closed)
    {
        (FileDescriptor own, FileDescriptor workers) = Libc.socketpair_stream();
        try
        {
            Libc.shutdown(own, closed);
            Libc.set_nonblocking(own);
            return (own, workers);
        }
        catch
        {
            own.Dispose();
            workers.Dispose();
            throw;
        }
    }
}
