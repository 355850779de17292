using System.Runtime.InteropServices;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Untrusted;

/// <summary>A <see cref="ReleasingProcess"/> from the daemon's side. For use on the loop.</summary>
internal sealed class ReleasingHelper
{
    private readonly Loop loop;
    private readonly FileDescriptor control;
    private readonly Watch watch;
    private readonly ProcessId pid;
    private readonly Action onReady;
    private readonly TaskCompletionSource ended = new();
    private LoopTimer? deadline;

    private ReleasingHelper(Loop loop, ProcessId pid, FileDescriptor control, Action onReady)
    {
        this.loop = loop;
        this.pid = pid;
        this.control = control;
        this.onReady = onReady;
        watch = loop.Watch(control, EpollEvents.EPOLLIN, "a process that releases sockets");
    }

    /// <summary>Whether the daemon waits for the message of the process: that it is ready, or has closed its sockets.</summary>
    public bool IsBusy => deadline is not null;

    /// <summary>Completes when the process has ended.</summary>
    public Task Ended => ended.Task;

    /// <summary>Starts a process.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="reaper">Reaps the process.</param>
    /// <param name="onReady">Called when the process is ready, and when it has closed its sockets.</param>
    /// <exception cref="SystemCallException">The process cannot be started.</exception>
    public static ReleasingHelper Start(Loop loop, ChildReaper reaper, Action onReady)
    {
        (FileDescriptor own, FileDescriptor theirs) = Libc.socketpair_seqpacket();
        try
        {
            using (theirs)
            using (FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDWR))
            {
                Libc.set_nonblocking(own);
                ReleasingHelper helper = reaper.Start(() =>
                {
                    ProcessId pid = Libc.posix_spawn(
                        "/proc/self/exe", ["pipeforkasd", ReleasingProcess.Argument], ["LANG=C.UTF-8"],
                        [(nothing, 0), (nothing, 1), (nothing, 2), (theirs, ReleasingProcess.ControlDescriptor)]);
                    var started = new ReleasingHelper(loop, pid, own, onReady);
                    reaper.Register(pid, _ => started.ended.SetResult());
                    return started;
                });

                // Not inline: the message of the process can be there already, and the calling method must set the deadline first.
                loop.Post(_ => loop.Start(helper.ReadAsync), null);
                return helper;
            }
        }
        catch
        {
            own.Dispose();
            throw;
        }
    }

    /// <summary>Calls <paramref name="late"/> if the message of the process does not arrive in time.</summary>
    public void Await(TimeSpan timeout, Action late)
    {
        deadline?.Dispose();
        deadline = loop.Schedule(timeout, late);
    }

    /// <summary>Sends sockets to the process. Returns false if the process does not take them now.</summary>
    public bool Send(List<FileDescriptor> sockets) =>
        !control.IsClosed && !Libc.sendmsg(control, [ReleasingProcess.Batch], CollectionsMarshal.AsSpan(sockets)).Failed;

    /// <summary>Tells the process to close its sockets. Returns false if the message cannot be sent.</summary>
    public bool Go(TimeSpan timeout, Action late)
    {
        if (Libc.send(control, [ReleasingProcess.Close]).Failed)
            return false;
        Await(timeout, late);
        return true;
    }

    /// <summary>Kills the process, if it has not ended. Has no effect the second time.</summary>
    public void End()
    {
        if (control.IsClosed)
            return;
        deadline?.Dispose();
        deadline = null;
        watch.Dispose();
        control.Dispose();

        // Until the end of the process is known here, no other process has its number: only the daemon's reaper reaps it.
        if (!ended.Task.IsCompleted)
            Libc.kill(pid, Signal.SIGKILL);
    }

    private async Task ReadAsync()
    {
        var word = new byte[1];
        while (!control.IsClosed)
        {
            IOResult received = Libc.recv(control, word);
            if (received.WouldBlock)
            {
                if (!await watch.ReadableAsync())
                    return;
                continue;
            }

            // The reaper reports the end of the process.
            if (received.Count == 0)
                return;
            deadline?.Dispose();
            deadline = null;
            onReady();
        }
    }
}
