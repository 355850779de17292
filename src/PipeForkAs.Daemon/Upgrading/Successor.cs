using System.Collections;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>The new daemon, as the one sees it that has it started. It is a child of the service manager's. On the loop.</summary>
internal sealed class Successor : IDisposable
{
    /// <summary>How long it may take until it can serve: its job hosts start and test themselves.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    /// <summary>The time between two signs of life.</summary>
    private static readonly TimeSpan AlivePause = TimeSpan.FromSeconds(1);

    private const string EndedTooSoon = "the new daemon ended before it was ready; its log tells more";

    /// <summary>How many jobs one part of an answer tells of: a message has room for each.</summary>
    private const int JobsInPart = 50;

    /// <summary>What is meant for one process alone; sd_listen_fds(3), sd_watchdog_enabled(3).</summary>
    private static readonly string[] OwnVariables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"];

    private readonly Loop loop;
    private readonly HandoverChannel channel;
    private readonly Queue<JobsAnswer> answers = new();
    private bool isAnswering;
    private FileDescriptor? process;

    private Successor(Loop loop, HandoverChannel channel)
    {
        this.loop = loop;
        this.channel = channel;
    }

    /// <summary>Its process, once it was started.</summary>
    public ProcessId Pid { get; private set; }

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => process is not { } started || !Libc.pidfd_is_there(started);

    /// <summary>
    /// Starts one, with the arguments and the environment of this process. It must not become a child of this one, which is a subreaper
    /// for the orphans of its jobs: for the moment in which the process ends that starts it, this one is none. So jobs must have control
    /// groups, which hold all of their processes.
    /// </summary>
    /// <param name="loop">The loop.</param>
    /// <param name="reaper">Reaps the process that starts it.</param>
    /// <param name="path">Its executable.</param>
    /// <param name="listener">The listening socket.</param>
    /// <param name="offer">What it takes over.</param>
    /// <exception cref="UpgradeException">It cannot be started.</exception>
    public static async Task<Successor> StartAsync(Loop loop, ChildReaper reaper, string path, FileDescriptor listener, Offer offer)
    {
        (FileDescriptor own, FileDescriptor theirs) = Libc.socketpair_seqpacket();
        var successor = new Successor(loop, new HandoverChannel(own));
        try
        {
            using (theirs)
            {
                Libc.set_nonblocking(own);
                await LaunchAsync(reaper, path, listener, theirs);
            }

            HandoverMessage? word = await successor.channel.ReadAsync(loop);
            if (word?.Failed is { } problem)
                throw new UpgradeException($"the new daemon cannot be started: {problem}");
            if (word?.Started is not { } number)
                throw new UpgradeException("the process that starts the new daemon failed");
            successor.Pid = new ProcessId(number);
            successor.process = Libc.pidfd_open(successor.Pid);

            // Not before: where the other end is closed with a message unread, what it has said is lost (unix_release_sock in the
            // kernel's af_unix.c).
            successor.channel.Send(new HandoverMessage { Offer = offer });
            return successor;
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.ESRCH)
        {
            successor.Dispose();
            throw new UpgradeException(EndedTooSoon, failure);
        }
        catch (SystemCallException failure)
        {
            successor.Dispose();
            throw new UpgradeException($"the new daemon cannot be started: {failure.Message}", failure);
        }
        catch
        {
            successor.Dispose();
            throw;
        }
    }

    /// <summary>The environment of a new daemon.</summary>
    public static string[] Variables() =>
    [
        .. Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Where(static variable => !OwnVariables.Contains((string)variable.Key)).Select(
                static variable => $"{variable.Key}={variable.Value}"),
    ];

    /// <summary>Waits until it can serve.</summary>
    /// <exception cref="UpgradeException">It cannot; its own words, where it has some.</exception>
    public async Task ReadyAsync()
    {
        bool isLate = false;
        using LoopTimer deadline = loop.Schedule(StartPatience, () =>
        {
            isLate = true;
            Kill();
        });
        HandoverMessage? word = await channel.ReadAsync(loop);
        if (word is { Ready: true })
            return;
        throw new UpgradeException(word?.Failed ?? (isLate
            ? $"the new daemon was not ready after {StartPatience.TotalSeconds:0} s"
            : EndedTooSoon));
    }

    /// <summary>Lets it serve. From here on this process tells it that it lives.</summary>
    /// <param name="owner">Does what the new daemon asks for.</param>
    public void Serve(ISuccessorOwner owner)
    {
        // Where it has ended by now, the service manager sees that.
        channel.Send(new HandoverMessage { FirstJob = owner.HandOver() });
        Live();
        loop.Start(() => FollowAsync(owner));
    }

    /// <summary>Kills it, where it has not ended.</summary>
    public void Kill()
    {
        if (process is { } started)
            Libc.pidfd_send_signal(started, Signal.SIGKILL);
    }

    /// <summary>Closes the descriptors to it.</summary>
    public void Dispose()
    {
        channel.Dispose();
        process?.Dispose();
    }

    private static async Task LaunchAsync(ChildReaper reaper, string path, FileDescriptor listener, FileDescriptor control)
    {
        string[] own = Environment.GetCommandLineArgs();
        string[] arguments = [own[0], Predecessor.Argument, .. own.Skip(1).Where(static argument => argument != Predecessor.Argument)];
        var ended = new TaskCompletionSource();
        Libc.prctl_set_child_subreaper(false);
        try
        {
            reaper.Start(() =>
            {
                ProcessId pid = Libc.posix_spawn(
                    "/proc/self/exe", [own[0], SuccessorLauncher.Argument, path, .. arguments], Variables(),
                    [(listener, Predecessor.SocketDescriptor), (control, Predecessor.ControlDescriptor)]);
                reaper.Register(pid, _ => ended.SetResult());
                return pid;
            });
            await ended.Task;
        }
        finally
        {
            Libc.prctl_set_child_subreaper(true);
        }
    }

    private void Live()
    {
        channel.Send(new HandoverMessage { Alive = true });
#pragma warning disable CA2000 // The timer is to fire, and is not kept to cancel it.
        loop.Schedule(AlivePause, Live);
#pragma warning restore CA2000
    }

    private async Task FollowAsync(ISuccessorOwner asked)
    {
        while (await channel.ReadAsync(loop) is { } message)
        {
            if (message.Stop == true)
                asked.StopWasAsked();
            if (message.Question is { } question)
                loop.Start(() => AnswerAsync(asked, question));
        }

        asked.SuccessorDied(Pid);
    }

    /// <summary>Answers are sent one after another: one that waits for room in the channel holds back the others.</summary>
    private async Task AnswerAsync(ISuccessorOwner asked, JobsQuestion question)
    {
        answers.Enqueue(await asked.AnswerAsync(question));
        if (isAnswering)
            return;
        isAnswering = true;
        try
        {
            while (answers.TryDequeue(out JobsAnswer? answer))
                await SendAsync(asked, answer);
        }
        finally
        {
            isAnswering = false;
        }
    }

    /// <summary>Sends an answer in parts of a bounded size.</summary>
    private async Task SendAsync(ISuccessorOwner asked, JobsAnswer whole)
    {
        int sent = 0;
        bool hasMore;
        do
        {
            await asked.TurnAsync();
            JobsAnswer part = whole with { Jobs = [.. whole.Jobs.Skip(sent).Take(JobsInPart)] };
            sent += part.Jobs.Count;
            hasMore = sent < whole.Jobs.Count;
            if (!await channel.SendAsync(loop, new HandoverMessage { Jobs = part with { HasMore = hasMore } }))
                return;
        }
        while (hasMore);
    }
}
