using System.Collections;
using System.Globalization;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>
/// The new daemon, as the one sees it that started it. It is a child of this process, with descriptors for the listening socket and for messages. On the loop.
/// </summary>
internal sealed class Successor : IDisposable
{
    /// <summary>How long it may take until it can serve: its job hosts start and test themselves.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    /// <summary>The time between two signs of life.</summary>
    private static readonly TimeSpan AlivePause = TimeSpan.FromSeconds(1);

    /// <summary>How many jobs one part of an answer tells of: a message has room for each.</summary>
    private const int JobsInPart = 50;

    /// <summary>For the log's last line to be written.</summary>
    private static readonly TimeSpan LastLine = TimeSpan.FromMilliseconds(100);

    /// <summary>What is meant for one process alone; sd_listen_fds(3), sd_watchdog_enabled(3).</summary>
    private static readonly string[] OwnVariables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"];

    private readonly Loop loop;
    private readonly HandoverChannel channel;
    private readonly TaskCompletionSource<EndedChild> ended = new();
    private ISuccessorOwner? owner;

    private Successor(Loop loop, ProcessId pid, HandoverChannel channel)
    {
        this.loop = loop;
        this.channel = channel;
        Pid = pid;
    }

    /// <summary>Its process.</summary>
    public ProcessId Pid { get; }

    /// <summary>Whether it has ended, as far as this process knows.</summary>
    public bool HasEnded => ended.Task.IsCompleted;

    /// <summary>Starts one, with the arguments and the environment of this process.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="reaper">Reaps it.</param>
    /// <param name="path">Its executable.</param>
    /// <param name="listener">The listening socket.</param>
    /// <param name="offer">What it takes over.</param>
    /// <exception cref="UpgradeException">It cannot be started.</exception>
    public static Successor Start(Loop loop, ChildReaper reaper, string path, FileDescriptor listener, Offer offer)
    {
        try
        {
            (FileDescriptor own, FileDescriptor theirs) = Libc.socketpair_seqpacket();
            var channel = new HandoverChannel(own);
            try
            {
                using (theirs)
                {
                    Libc.set_nonblocking(own);
                    if (!channel.Send(new HandoverMessage { Offer = offer }))
                        throw new UpgradeException("the offer to the new daemon cannot be sent");
                    return reaper.Start(() =>
                    {
                        ProcessId pid = Libc.posix_spawn(
                            path, Arguments(), Variables(), [(listener, Predecessor.SocketDescriptor), (theirs, Predecessor.ControlDescriptor)]);
                        var started = new Successor(loop, pid, channel);
                        reaper.Register(pid, started.Ended);
                        return started;
                    });
                }
            }
            catch
            {
                channel.Dispose();
                throw;
            }
        }
        catch (SystemCallException failure)
        {
            throw new UpgradeException($"the new daemon cannot be started: {failure.Message}", failure);
        }
    }

    /// <summary>Waits until it can serve. Where this fails it has ended, or is killed.</summary>
    /// <exception cref="UpgradeException">It cannot; its own words, where it has some.</exception>
    public async Task ReadyAsync()
    {
        bool isLate = false;
        using LoopTimer deadline = loop.Schedule(StartPatience, () =>
        {
            isLate = true;
            Kill();
        });
        try
        {
            HandoverMessage? word = await channel.ReadAsync(loop);
            if (word is { Ready: true })
                return;
            if (word?.Failed is { } problem)
                throw new UpgradeException(problem);
            Kill();
            EndedChild child = await ended.Task;
            throw new UpgradeException(isLate
                ? $"the new daemon was not ready after {StartPatience.TotalSeconds:0} s"
                : $"the new daemon ended before it was ready ({How(child.Status)}); its log tells more");
        }
        catch
        {
            Kill();
            channel.Dispose();
            throw;
        }
    }

    /// <summary>Lets it serve. From here on this process tells it that it lives, and ends at once if the new daemon dies.</summary>
    /// <param name="owner">Does what the new daemon asks for.</param>
    public void Serve(ISuccessorOwner owner)
    {
        this.owner = owner;
        if (!channel.Send(new HandoverMessage { FirstJob = owner.HandOver() }))
            Kill();
        Live();
        loop.Start(() => FollowAsync(owner));
    }

    /// <summary>Kills it, where it has not ended.</summary>
    public void Kill()
    {
        // Until it has ended, and that was told here, the number is its own: only the daemon's reaper reaps it.
        if (!HasEnded)
            Libc.kill(Pid, Signal.SIGKILL);
    }

    /// <summary>Closes the socket to it.</summary>
    public void Dispose() => channel.Dispose();

    private static string How(WaitStatus status) => status switch
    {
        WaitStatus.Exited exited => string.Create(CultureInfo.InvariantCulture, $"exit status {exited.Code}"),
        WaitStatus.Signaled signaled => signaled.Signal.ToString(),
        _ => throw new ArgumentOutOfRangeException(nameof(status)),
    };

    private static string[] Arguments()
    {
        string[] own = Environment.GetCommandLineArgs();
        return [own[0], Predecessor.Argument, .. own.Skip(1).Where(static argument => argument != Predecessor.Argument)];
    }

    private static string[] Variables() =>
    [
        .. Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Where(static variable => !OwnVariables.Contains((string)variable.Key)).Select(static variable => $"{variable.Key}={variable.Value}"),
    ];

    private void Live()
    {
        channel.Send(new HandoverMessage { Alive = true });
        loop.Schedule(AlivePause, Live);
    }

    private async Task FollowAsync(ISuccessorOwner asked)
    {
        while (await channel.ReadAsync(loop) is { } message)
        {
            if (message.Stop == true)
                asked.StopWasAsked();
            if (message.Question is { } question)
                loop.Start(async () => Answer(await asked.AnswerAsync(question)));
        }
    }

    /// <summary>Sends an answer in parts of a bounded size.</summary>
    private void Answer(JobsAnswer whole)
    {
        int sent = 0;
        bool hasMore;
        do
        {
            JobsAnswer part = whole with { Jobs = [.. whole.Jobs.Skip(sent).Take(JobsInPart)] };
            sent += part.Jobs.Count;
            hasMore = sent < whole.Jobs.Count;
            if (!channel.Send(new HandoverMessage { Jobs = part with { HasMore = hasMore } }))
                return;
        }
        while (hasMore);
    }

    /// <summary>
    /// Called before it is reaped. When it served, it is not: the service manager, whose child it becomes with the end of this process, sees then how the
    /// service's main process ended, and starts the service again. It would see nothing of a child that was reaped here.
    /// </summary>
    private void Ended(EndedChild child)
    {
        ended.TrySetResult(child);
        if (owner is null)
            return;
        owner.SuccessorDied(Pid);
        Thread.Sleep(LastLine);
        Libc._exit(1);
    }
}
