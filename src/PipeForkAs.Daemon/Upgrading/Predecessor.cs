using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>The former daemon, as the one sees it that takes over from it. It ends with its last job.</summary>
internal sealed class Predecessor : IDisposable
{
    /// <summary>The argument, before all others, by which the executable is told to take over.</summary>
    public const string Argument = "--take-over";

    /// <summary>The listening socket.</summary>
    public const int SocketDescriptor = 3;

    /// <summary>The socket for messages.</summary>
    public const int ControlDescriptor = 4;

    /// <summary>For so long the former daemon may be silent; it tells every second that its loop is not stuck.</summary>
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

    /// <summary>Its process.</summary>
    public ProcessId Pid { get; }

    /// <summary>The listening socket.</summary>
    public FileDescriptor Socket { get; }

    /// <summary>What it leaves.</summary>
    public Offer Offer { get; }

    /// <summary>Completes when it has ended.</summary>
    public Task Ended => ended.Task;

    /// <summary>Takes what it offers.</summary>
    /// <exception cref="UpgradeException">It offers nothing: the argument is for a daemon that starts another one.</exception>
    public static Predecessor Connect()
    {
        try
        {
            var socket = new FileDescriptor(SocketDescriptor);
#pragma warning disable CA2000 // The descriptor is the process's own, and stays open.
            var control = new FileDescriptor(ControlDescriptor);
#pragma warning restore CA2000
            Libc.set_cloexec(socket);
            Libc.set_cloexec(control);
            var channel = new HandoverChannel(control);
            Offer offer = channel.ReadFirst().Offer ?? throw new UpgradeException("the former daemon's first message is no offer");
            Libc.set_nonblocking(socket);
            Libc.set_nonblocking(control);
            var pid = new ProcessId(offer.Pid);
            return new Predecessor(pid, socket, channel, Libc.pidfd_open(pid), offer);
        }
        catch (SystemCallException failure)
        {
            throw new UpgradeException(
                $"{Argument} is for a daemon that starts the one that takes over from it: {failure.Message}", failure);
        }
    }

    /// <summary>Tells it why this daemon cannot start.</summary>
    public void Fail(string problem) => channel.Send(new HandoverMessage { Failed = problem });

    /// <summary>Tells it that this daemon can serve, and waits until the former one accepts no more.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="turns">Where messages of the former daemon take their turns with other work.</param>
    /// <returns>The number of this daemon's first job.</returns>
    /// <exception cref="UpgradeException">It has ended, or wants to go on itself.</exception>
    public async Task<long> TakeOverAsync(Loop loop, FairTurns turns)
    {
        if (!channel.Send(new HandoverMessage { Ready = true }) || await channel.ReadAsync(loop) is not { FirstJob: { } firstJob })
            throw new UpgradeException("the former daemon does not let this one take over");
        questions = new JobsQuestions(loop, question => channel.Send(new HandoverMessage { Question = question }));
        loop.Start(() => FollowAsync(loop, turns, questions));
        return firstJob;
    }

    /// <summary>Asks for the jobs that still run there and that a caller may know of, or has one of them ended.</summary>
    /// <param name="bucket">The bucket whose turn it takes.</param>
    /// <param name="caller">The caller.</param>
    /// <param name="cancel">The job to end; null for none.</param>
    /// <returns>Null where it has ended, or does not answer in time.</returns>
    public async Task<JobsAnswer?> AskAsync(Bucket bucket, UserId caller, long? cancel = null) =>
        questions is null || ended.Task.IsCompleted ? null : await questions.AskAsync(bucket, caller, cancel);

    /// <summary>Tells it that the service stops, where this daemon has taken over.</summary>
    public void SendStop()
    {
        if (questions is not null)
            channel.Send(new HandoverMessage { Stop = true });
    }

    /// <summary>
    /// Waits until it has ended, where this daemon has taken over: it has deadlines of its own, and is killed where it falls silent.
    /// </summary>
    public Task StopAsync() => questions is not null ? ended.Task : Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose()
    {
        silence?.Dispose();
        channel.Dispose();
        process.Dispose();
    }

    /// <summary>False at the end of messages.</summary>
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

            // The socket is closed before the process has left its control group; pidfd_open(2).
            using Watch end = loop.Watch(process, EpollEvents.EPOLLIN, "the former daemon's end");
            await end.ReadableAsync();
            ended.TrySetResult();
        }
    }
}
