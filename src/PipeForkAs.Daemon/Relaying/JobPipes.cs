using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Relaying;

/// <summary>The pipes of a job. The daemon makes them; the worker gets copies of its ends.</summary>
internal sealed class JobPipes : IDisposable
{
    private readonly FileDescriptor workerStdin, workerStdout;
    private readonly FileDescriptor? workerStderr;

    private JobPipes(List<(FileDescriptor Read, FileDescriptor Write)> pipes)
    {
        (workerStdin, Stdin) = pipes[0];
        (Stdout, workerStdout) = pipes[1];
        if (pipes.Count > 2)
            (Stderr, workerStderr) = pipes[2];
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
    /// <exception cref="SystemCallException">There are no descriptors left; none is kept.</exception>
    public static JobPipes Create(bool separateStderr)
    {
        var pipes = new List<(FileDescriptor Read, FileDescriptor Write)>(3);
        try
        {
            for (int i = 0; i < (separateStderr ? 3 : 2); i++)
                pipes.Add(Libc.pipe2());
            return new JobPipes(pipes);
        }
        catch
        {
            foreach ((FileDescriptor read, FileDescriptor write) in pipes)
            {
                read.Dispose();
                write.Dispose();
            }

            throw;
        }
    }

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
