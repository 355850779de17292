using System.Collections;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>The new daemon, as seen by the daemon that starts it. It is a child of the service manager. Used on the loop.</summary>
internal sealed class Successor : IDisposable
{
    /// <summary>The longest time until the new daemon can serve. Its job hosts start and test themselves in this time.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    /// <summary>The interval between two signs of life.</summary>
    private static readonly TimeSpan AlivePause = TimeSpan.FromSeconds(1);

    private const string EndedTooSoon = "the new daemon exited before it was ready; see the daemon's log";

    /// <summary>The number of jobs in one part of an answer. They fit into one message.</summary>
    private const int JobsInPart = 50;

    /// <summary>Environment variables that apply to one process only; see sd_listen_fds(3) and sd_watchdog_enabled(3).</summary>
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

    /// <summary>The process id; available once the new daemon was started.</summary>
    public ProcessId Pid { get; private set; }

    public bool HasEnded => process is not { } started || !Libc.pidfd_is_there(started);

    /// <summary>
    /// Starts a new daemon with the arguments and the environment of this process. The new daemon must not become a child of this process,
    /// which is a subreaper for the orphans of its jobs. Therefore this process is not a subreaper for the short time until the process
    /// that starts the new daemon ends. This requires control groups for jobs, which contain all their processes.
    /// </summary>
    /// <param name="loop">The loop.</param>
    /// <param name="reaper">Reaps the process that starts the new daemon.</param>
    /// <param name="path">The executable of the new daemon.</param>
    /// <param name="listener">The listening socket.</param>
    /// <param name="offer">What the new daemon takes over.</param>
    /// <exception cref="UpgradeException">The new daemon cannot be started.</exception>
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

            // Send the offer only now. If the other end is closed with an unread message, the data that it had sent is lost
            // (unix_release_sock in the kernel's af_unix.c).
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

    /// <summary>Returns the environment of a new daemon.</summary>
    public static string[] Variables() =>
    [
        .. Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Where(static variable => !OwnVariables.Contains((string)variable.Key)).Select(
                static variable => $"{variable.Key}={variable.Value}"),
    ];

    /// <summary>Waits until the new daemon can serve.</summary>
    /// <exception cref="UpgradeException">The new daemon cannot serve; the message is its own reason, if it sent one.</exception>
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

    /// <summary>Lets the new daemon serve. From now on, this process sends it signs of life.</summary>
    /// <param name="owner">Provides what the new daemon requests.</param>
    public void Serve(ISuccessorOwner owner)
    {
        // If the new daemon has ended by now, the service manager detects it.
        channel.Send(new HandoverMessage { FirstJob = owner.HandOver() });
        Live();
        loop.Start(() => FollowAsync(owner));
    }

    /// <summary>Kills the new daemon if it has not ended.</summary>
    public void Kill()
    {
        if (process is { } started)
            Libc.pidfd_send_signal(started, Signal.SIGKILL);
    }

    /// <summary>Closes the descriptors for the new daemon.</summary>
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
#pragma warning disable CA2000 // The timer must fire and is never cancelled.
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

    /// <summary>
    /// Answers a question. Answers are sent one after another, so an answer that waits for room in the channel delays the others.
    /// </summary>
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

    /// <summary>Sends an answer in parts of limited size.</summary>
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
