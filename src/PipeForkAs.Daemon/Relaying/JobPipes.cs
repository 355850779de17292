using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Relaying;

/// <summary>The pipes of a job. The daemon makes them; the worker gets copies of its ends.</summary>
internal sealed class JobPipes : IDisposable
{
    private readonly FileDescriptor workerStdin, workerStdout;
    private readonly FileDescriptor? workerStderr;

    private JobPipes(bool separateStderr)
    {
        (workerStdin, Stdin) = Libc.pipe2();
        (Stdout, workerStdout) = Libc.pipe2();
        if (separateStderr)
            (Stderr, workerStderr) = Libc.pipe2();
        Libc.set_nonblocking(Stdin);
        Libc.set_nonblocking(Stdout);
        if (Stderr is not null)
            Libc.set_nonblocking(Stderr);
    }

    /// <summary>Where the daemon writes the job's stdin.</summary>
    public FileDescriptor Stdin { get; }

    /// <summary>Where the daemon reads the job's stdout, and its stderr where they share one pipe.</summary>
    public FileDescriptor Stdout { get; }

    /// <summary>Where the daemon reads the job's stderr; null where it shares stdout's pipe.</summary>
    public FileDescriptor? Stderr { get; }

    /// <summary>Makes the pipes.</summary>
    /// <param name="separateStderr">Whether stderr has a pipe of its own; else both share one, so that their order is kept.</param>
    public static JobPipes Create(bool separateStderr) => new(separateStderr);

    /// <summary>The worker's ends.</summary>
    public (FileDescriptor Stdin, FileDescriptor Stdout, FileDescriptor Stderr) WorkerEnds => (workerStdin, workerStdout, workerStderr ?? workerStdout);

    /// <summary>Closes the daemon's copies of the worker's ends, without which no pipe would ever end.</summary>
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
