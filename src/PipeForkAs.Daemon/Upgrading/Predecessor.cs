using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>The former daemon, as seen by the new daemon. It ends with its last job.</summary>
internal sealed class Predecessor : IDisposable
{
    /// <summary>The first argument of a daemon that takes over from a former one.</summary>
    public const string Argument = "--take-over";

    /// <summary>The listening socket.</summary>
    public const int SocketDescriptor = 3;

    /// <summary>The socket for messages between the daemons.</summary>
    public const int ControlDescriptor = 4;

    /// <summary>The longest silence of the former daemon. It sends a message every second while its loop is not blocked.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly HandoverChannel channel;
    private readonly FileDescriptor process;
    private readonly TaskCompletionSource ended = new();
    private JobsQuestions? questions;
    private LoopTimer? silence;

    private Predecessor(ProcessId pid, FileDescriptor socket, HandoverChannel channel, FileDescriptor process, Offer offer)
    {
        Pid = pid;
        Socket = socket;
        Offer = offer;
        this.channel = channel;
        this.process = process;
    }

    public ProcessId Pid { get; }

    public FileDescriptor Socket { get; }

    /// <summary>What the former daemon passes on.</summary>
    public Offer Offer { get; }

    /// <summary>Completes when the former daemon has ended.</summary>
    public Task Ended => ended.Task;

    /// <summary>Whether the former daemon has no job any more. Its process may need a moment to end.</summary>
    public bool HasNoJobs => ended.Task.IsCompleted || questions is { IsClosed: true };

    /// <summary>Receives the offer of the former daemon.</summary>
    /// <exception cref="UpgradeException">There is no offer. Only a daemon that starts another one may use the argument.</exception>
    public static Predecessor Connect()
    {
        try
        {
            var socket = new FileDescriptor(SocketDescriptor);
#pragma warning disable CA2000 // The process owns the descriptor, which stays open.
            var control = new FileDescriptor(ControlDescriptor);
#pragma warning restore CA2000
            Libc.set_cloexec(socket);
            Libc.set_cloexec(control);
            var channel = new HandoverChannel(control);
            Offer offer = channel.ReadFirst().Offer ?? throw new UpgradeException("the first message of the former daemon is not an offer");
            Libc.set_nonblocking(socket);
            Libc.set_nonblocking(control);
            var pid = new ProcessId(offer.Pid);
            return new Predecessor(pid, socket, channel, Libc.pidfd_open(pid), offer);
        }
        catch (SystemCallException failure)
        {
            throw new UpgradeException(
                $"{Argument} is only for a daemon that takes over from a running one: {failure.Message}", failure);
        }
    }

    /// <summary>Sends the reason why this daemon cannot start.</summary>
    public void Fail(string problem) => channel.Send(new HandoverMessage { Failed = problem });

    /// <summary>Sends that this daemon can serve, and waits until the former daemon accepts no more connections.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="turns">Shares the loop's time between messages of the former daemon and other work.</param>
    /// <returns>The id of this daemon's first job.</returns>
    /// <exception cref="UpgradeException">The former daemon has ended, or refuses the takeover and continues.</exception>
    public async Task<long> TakeOverAsync(Loop loop, FairTurns turns)
    {
        if (!channel.Send(new HandoverMessage { Ready = true }) || await channel.ReadAsync(loop) is not { FirstJob: { } firstJob })
            throw new UpgradeException("the former daemon did not allow the takeover");
        questions = new JobsQuestions(loop, question => channel.Send(new HandoverMessage { Question = question }));
        loop.Start(() => FollowAsync(loop, turns, questions));
        return firstJob;
    }

    /// <summary>Requests the jobs that still run in the former daemon and that a caller may know, or the end of one of them.</summary>
    /// <param name="bucket">The bucket that uses its turn.</param>
    /// <param name="caller">The caller.</param>
    /// <param name="cancel">The id of the job to end; null for none.</param>
    /// <returns>The answer; null if the former daemon has ended or does not answer in time.</returns>
    public async Task<JobsAnswer?> AskAsync(Bucket bucket, UserId caller, long? cancel = null) =>
        questions is null || ended.Task.IsCompleted ? null : await questions.AskAsync(bucket, caller, cancel);

    /// <summary>Sends that the service stops, if this daemon has taken over.</summary>
    public void SendStop()
    {
        if (questions is not null)
            channel.Send(new HandoverMessage { Stop = true });
    }

    /// <summary>
    /// Waits for the former daemon to end, if this daemon has taken over. The former daemon has its own deadlines, and is killed if it
    /// becomes silent.
    /// </summary>
    public Task StopAsync() => questions is not null ? ended.Task : Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose()
    {
        silence?.Dispose();
        channel.Dispose();
        process.Dispose();
    }

    /// <summary>Processes a message. Returns false at the end of the messages.</summary>
    private static bool Take(HandoverMessage? message, JobsQuestions asked)
    {
        if (message?.Jobs is { } answer)
            asked.Take(answer);
        return message is not null;
    }

    private async Task FollowAsync(Loop loop, FairTurns turns, JobsQuestions asked)
    {
        try
        {
            do
            {
                silence?.Dispose();
                silence = loop.Schedule(Patience, () => Libc.pidfd_send_signal(process, Signal.SIGKILL));
                await turns.EnterAsync(Bucket.Root);
            }
            while (Take(await channel.ReadAsync(loop), asked));
        }
        finally
        {
            silence?.Dispose();
            asked.Close();

            // The kernel closes the socket before the process leaves its control group, so wait for the pidfd; see pidfd_open(2).
            using Watch end = loop.Watch(process, EpollEvents.EPOLLIN, "the former daemon's end");
            await end.ReadableAsync();
            ended.TrySetResult();
        }
    }
}
