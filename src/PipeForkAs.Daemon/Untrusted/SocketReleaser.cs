using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Untrusted;

/// <summary>
/// Closes sockets that may hold unread descriptors, in a process of its own (<see cref="ReleasingProcess"/>), which gets them in batches. One that does not
/// finish a batch in time is killed, and the next batch has another: what a process still has when it is killed is closed without lingering (inet_release
/// in the kernel's af_inet.c looks at PF_EXITING). The process is started when it is first needed. All on the loop.
/// </summary>
internal sealed class SocketReleaser(Loop loop, ChildReaper reaper, ILogger logger)
{
    private static readonly TimeSpan BatchTimeout = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan StartPause = TimeSpan.FromMilliseconds(100);

    /// <summary>What the kernel may take to close what a killed process held.</summary>
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(5);

    /// <summary>Killed processes that have not ended: where the kernel takes long for what they closed, more of them would not be faster.</summary>
    private const int MostEnding = 16;

    private readonly Queue<FileDescriptor> waiting = new();
    private readonly List<FileDescriptor> batch = new(Libc.MaxMessageDescriptors);
    private Helper? helper;
    private LoopTimer? next;
    private int ending;
    private TaskCompletionSource? allEnded;
    private bool stopped;

    /// <summary>Sockets that wait to be closed.</summary>
    public int Waiting => waiting.Count;

    /// <summary>Closes a socket, soon.</summary>
    /// <param name="socket">The socket, from here on not the caller's.</param>
    public void Release(FileDescriptor socket)
    {
        // The owner's object is closed for it from now on.
        waiting.Enqueue(new FileDescriptor(socket.Release()));
        if (helper is not { IsBusy: true })
            next ??= loop.Schedule(TimeSpan.Zero, Go);
    }

    /// <summary>Ends the process, and waits a short time for that. Sockets that still wait are closed by the daemon's own end.</summary>
    public async Task StopAsync()
    {
        stopped = true;
        next?.Dispose();
        if (helper is not null)
            Kill();
        if (ending > 0)
            await Task.WhenAny((allEnded = new TaskCompletionSource()).Task, loop.DelayAsync(EndPatience));
    }

    private void Go()
    {
        next = null;
        if (stopped || waiting.Count == 0 || helper is { IsBusy: true })
            return;
        if (helper is null)
        {
            if (ending < MostEnding)
                Start();
            return;
        }

        while (batch.Count < Libc.MaxMessageDescriptors && waiting.TryDequeue(out FileDescriptor? socket))
            batch.Add(socket);
        bool sent = helper.Send(batch);
        foreach (FileDescriptor socket in batch)
        {
            // The process has them now, and closes nothing before it is told that these here are closed.
            if (sent)
                socket.Dispose();
            else
                waiting.Enqueue(socket);
        }

        batch.Clear();
        if (!sent || !helper.Go(BatchTimeout, Replace))
            Replace();
    }

    private void Start()
    {
        try
        {
            helper = Helper.Start(loop, reaper, onReady: Continue, onEnded: Ended);
            helper.Await(StartTimeout, Replace);
        }
        catch (SystemCallException failure)
        {
            Log.ReleaserFailed(logger, failure.Message, waiting.Count);
            next = loop.Schedule(StartPause, Go);
        }
    }

    /// <summary>The process is ready, or has closed its batch.</summary>
    private void Continue() => Go();

    /// <summary>The process hangs, or cannot be talked to.</summary>
    private void Replace()
    {
        Kill();
        next ??= loop.Schedule(TimeSpan.Zero, Go);
    }

    private void Kill()
    {
        ending++;
        helper!.End();
        helper = null;
    }

    private void Ended(Helper which)
    {
        if (which == helper)
        {
            which.End();
            helper = null;
            next ??= loop.Schedule(StartPause, Go);
        }
        else
        {
            if (--ending == 0)
                allEnded?.TrySetResult();
            next ??= loop.Schedule(TimeSpan.Zero, Go);
        }
    }

    /// <summary>The process, as the daemon sees it.</summary>
    private sealed class Helper
    {
        private readonly Loop loop;
        private readonly FileDescriptor control;
        private readonly Watch watch;
        private readonly ProcessId pid;
        private readonly Action onReady;
        private LoopTimer? deadline;
        private bool hasEnded;

        private Helper(Loop loop, ProcessId pid, FileDescriptor control, Action onReady)
        {
            this.loop = loop;
            this.pid = pid;
            this.control = control;
            this.onReady = onReady;
            watch = loop.Watch(control, EpollEvents.EPOLLIN, "the process that releases sockets");
        }

        /// <summary>Whether it has not said yet that it is ready, or has closed what it was given.</summary>
        public bool IsBusy => deadline is not null;

        /// <exception cref="SystemCallException">It cannot be started.</exception>
        public static Helper Start(Loop loop, ChildReaper reaper, Action onReady, Action<Helper> onEnded)
        {
            (FileDescriptor own, FileDescriptor theirs) = Libc.socketpair_seqpacket();
            try
            {
                using (theirs)
                using (FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDWR))
                {
                    Libc.set_nonblocking(own);
                    Helper helper = reaper.Start(() =>
                    {
                        ProcessId pid = Libc.posix_spawn(
                            "/proc/self/exe", ["pipeforkasd", ReleasingProcess.Argument], ["LANG=C.UTF-8"],
                            [(nothing, 0), (nothing, 1), (theirs, ReleasingProcess.ControlDescriptor)]);
                        var started = new Helper(loop, pid, own, onReady);
                        reaper.Register(pid, _ =>
                        {
                            started.hasEnded = true;
                            onEnded(started);
                        });
                        return started;
                    });
                    loop.Start(helper.ReadAsync);
                    return helper;
                }
            }
            catch
            {
                own.Dispose();
                throw;
            }
        }

        /// <summary>Waits for its word.</summary>
        public void Await(TimeSpan timeout, Action late)
        {
            deadline?.Dispose();
            deadline = loop.Schedule(timeout, late);
        }

        /// <summary>Gives it sockets. False where it does not take them.</summary>
        public bool Send(List<FileDescriptor> sockets) =>
            !Libc.sendmsg(control, [ReleasingProcess.Batch], System.Runtime.InteropServices.CollectionsMarshal.AsSpan(sockets)).Failed;

        /// <summary>Tells it to close what it was given. False where it cannot be told.</summary>
        public bool Go(TimeSpan timeout, Action late)
        {
            if (Libc.send(control, [ReleasingProcess.Close]).Failed)
                return false;
            Await(timeout, late);
            return true;
        }

        /// <summary>Ends it.</summary>
        public void End()
        {
            deadline?.Dispose();
            deadline = null;
            watch.Dispose();
            control.Dispose();

            // Until it has ended, and that was told here, the number is its own: only the daemon's reaper reaps it.
            if (!hasEnded)
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

                // That it has ended is for the reaper to tell.
                if (received.Count == 0)
                    return;
                deadline?.Dispose();
                deadline = null;
                onReady();
            }
        }
    }
}
