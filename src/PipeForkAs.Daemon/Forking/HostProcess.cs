using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>One life of a job host's process.</summary>
internal sealed class HostProcess : IDisposable
{
    /// <summary>
    /// Nothing of the daemon's own environment reaches a job host. The collector's range of addresses is 4 GiB (in hex) instead of
    /// 256: fewer tables to copy at each fork, and native code of .NET 9 takes it from nowhere else. Jobs get an environment of their own.
    /// </summary>
    private static readonly string[] Environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "DOTNET_GCRegionRange=100000000"];

    private readonly TaskCompletionSource ended = new();

    private HostProcess(ProcessId pid, FileDescriptor control, Watch watch)
    {
        Pid = pid;
        Control = control;
        Watch = watch;
    }

    public ProcessId Pid { get; }

    public FileDescriptor Control { get; }

    public Watch Watch { get; }

    /// <summary>Whether it passed its self-test and can fork.</summary>
    public bool IsReady { get; set; }

    /// <summary>Starts the executable with a control socket as descriptor 3, nothing to read, and the daemon's stderr for its own words.</summary>
    /// <exception cref="SystemCallException">It cannot be started.</exception>
    public static HostProcess Start(Loop loop, string path)
    {
        (FileDescriptor own, FileDescriptor theirs) = Libc.socketpair_seqpacket();
        try
        {
            using (theirs)
            using (FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDWR))
            {
                Libc.set_nonblocking(own);
                var stderr = new FileDescriptor(2);
                ProcessId pid = Libc.posix_spawn(
                    path, [path, WorkerProtocol.ServeArgument], Environment,
                    [(theirs, WorkerProtocol.ControlDescriptor), (nothing, 0), (stderr, 1)]);
                stderr.Release();
                return new HostProcess(pid, own, loop.Watch(own, EpollEvents.EPOLLIN | EpollEvents.EPOLLOUT));
            }
        }
        catch
        {
            own.Dispose();
            throw;
        }
    }

    /// <summary>Completes when it has ended, before it is reaped.</summary>
    public Task Ended => ended.Task;

    /// <summary>Tells it to end, by its closed control socket: it ends its workers, and then itself.</summary>
    public void Close()
    {
        if (Control.IsClosed)
            return;
        Watch.Dispose();
        Control.Dispose();
    }

    /// <summary>Ends it now. The reaper reaps it.</summary>
    public void Dispose()
    {
        Close();

        // Until it has ended, and that was told here, the number is its own: only the daemon's reaper reaps it.
        if (!ended.Task.IsCompleted)
            Libc.kill(Pid, Signal.SIGKILL);
    }

    /// <summary>Called by the reaper.</summary>
    public void MarkEnded() => ended.TrySetResult();
}
