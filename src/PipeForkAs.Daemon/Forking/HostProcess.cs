using System.Diagnostics;
using System.Text.Json;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>One life of a job host's process, from its start until it is lost.</summary>
internal sealed class HostProcess : IDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(2);

    private readonly HostContext context;
    private readonly IHostProcessOwner owner;
    private readonly HostChannel channel;
    private readonly Heartbeat heartbeat;
    private readonly TaskCompletionSource ended = new();
    private readonly HostWorkers workers;
    private readonly List<JobDescription> jobs = [];
    private readonly LoopTimer startDeadline;
    private HostStage stage;

    /// <summary>Takes charge of a process that was started.</summary>
    public HostProcess(HostContext context, JobIsolation isolation, IHostProcessOwner owner, ProcessId pid, HostChannel channel)
    {
        this.context = context;
        workers = new HostWorkers(this, context, isolation, owner);
        this.owner = owner;
        this.channel = channel;
        Pid = pid;
        Executable = ExecutableFile.Of(pid);
        heartbeat = new Heartbeat(
            context.Loop, () => Send(MessageKind.Ping), () => MarkLost($"it did not answer for {Heartbeat.Patience.TotalSeconds:0} s"));
        startDeadline = context.Loop.Schedule(
            StartTimeout, () => MarkLost($"it did not become ready within {StartTimeout.TotalSeconds:0} s"));
        context.Reaper.Register(pid, child =>
        {
            ended.TrySetResult();
            TakeLastMessages();
            MarkLost($"it ended: {WaitStatusText.Of(child.Status)}{Hint()}");
        }, isJobHost: true);
    }

    /// <summary>The process.</summary>
    public ProcessId Pid { get; }

    /// <summary>What it executes; null where nobody can say.</summary>
    public ExecutableFile? Executable { get; }

    /// <summary>Whether it can fork: it passed its self-test, and is not lost.</summary>
    public bool IsReady => stage == HostStage.Serving;

    /// <summary>Whether it can fork, and answers.</summary>
    public bool IsHealthy => IsReady && heartbeat.IsResponsive;

    /// <summary>Whether it ever forked a worker.</summary>
    public bool HasForked => workers.HaveBeenForked;

    /// <summary>The jobs that it holds; all of them when it is ready.</summary>
    public IReadOnlyList<JobDescription> Jobs => jobs;

    /// <summary>Workers that it was asked for and has not forked yet.</summary>
    public int ForksAsked { get; private set; }

    /// <summary>Begins to listen to it, and to tell its owner.</summary>
    public void Begin() => context.Loop.Start(ReadAsync);

    /// <summary>Asks for one more worker.</summary>
    public void AskForFork()
    {
        ForksAsked++;
        Send(MessageKind.Fork);
    }

    /// <summary>Ends it: it is told by its closed control socket, ends its workers and then itself, or is killed after a grace.</summary>
    public async Task StopAsync()
    {
        if (stage != HostStage.Lost)
            stage = HostStage.Stopping;
        Close();
        await Task.WhenAny(ended.Task, context.Loop.DelayAsync(StopGrace));
        Dispose();
        await Task.WhenAny(ended.Task, context.Loop.DelayAsync(StopGrace));
    }

    /// <summary>Ends it now. The reaper reaps it.</summary>
    public void Dispose()
    {
        Close();

        // Until it has ended, and that was told here, the number is its own: only the daemon's reaper reaps it.
        if (!ended.Task.IsCompleted)
            Libc.kill(Pid, Signal.SIGKILL);
    }

    /// <summary>A worker is done with: it may be reaped.</summary>
    internal void Release(ForkedWorker worker)
    {
        // Behind the process's end, its workers are the daemon's own children.
        if (!workers.Remove(worker) || channel.IsClosed)
            return;
        context.Reaper.Forget(worker.Pid);
        LetReap(worker.Pid);
    }

    private void Close()
    {
        startDeadline.Dispose();
        heartbeat.Dispose();
        channel.Dispose();
    }

    private async Task ReadAsync()
    {
        try
        {
            if (await channel.ReadAsync(Take))
                MarkLost($"it closed its control socket{Hint()}");
        }
        catch (Exception failure) when (failure is FormatException or SystemCallException or JobHostException or JsonException)
        {
            MarkLost(failure.Message);
        }
        catch
        {
            // Nobody reads what it says any more.
            MarkLost("the daemon could not go on with it");
            throw;
        }
    }

    /// <summary>Its end may be seen before its last messages: how a worker ended, or why it refused to serve.</summary>
    private void TakeLastMessages()
    {
        try
        {
            channel.TakeArrived((message, descriptors) =>
            {
                // A job host that has ended gives no worker and serves nobody.
                if (new MessageReader(message).Kind is not (MessageKind.Forked or MessageKind.Ready))
                    Take(message, descriptors);
            });
        }
        catch (Exception failure) when (failure is FormatException or SystemCallException or JobHostException or JsonException)
        {
            MarkLost(failure.Message);
        }
    }

    private void Take(ReadOnlySpan<byte> message, Span<FileDescriptor?> descriptors)
    {
        heartbeat.Answered();
        var reader = new MessageReader(message);
        HostMessageOrder.Check(stage, reader.Kind);
        switch (reader.Kind)
        {
            case MessageKind.Forked when descriptors is [{ } control, { } pidfd, { } stdin, { } stdout]:
                Answered();
                ForkedWorker worker = workers.Create(Protocol.Worker.Forked.Decode(ref reader), control, pidfd, stdin, stdout);
                descriptors.Clear();
                workers.Admit(worker);
                break;
            case MessageKind.Forked:
                // They were closed on the way, and the worker ends by that.
                var pid = new ProcessId(Protocol.Worker.Forked.Decode(ref reader).Pid);
                Answered();
                owner.ForkFailed("the worker's descriptors did not arrive: the daemon has as many open as it may have");
                LetReap(pid);
                break;
            case MessageKind.Hello:
                int version = Hello.Decode(ref reader).Version;
                if (version != WorkerProtocol.Version)
                    throw new JobHostException(
                        $"it speaks version {version}, the daemon {WorkerProtocol.Version}; build both from the same release");
                stage = HostStage.Introducing;
                break;
            case MessageKind.JobOffer:
                jobs.Add(OfferedJob.Describe(JobOffer.Decode(ref reader)));
                break;
            case MessageKind.Ready:
                reader.End();
                startDeadline.Dispose();
                heartbeat.Begin();
                stage = HostStage.Serving;
                owner.BecameReady(this);
                break;
            case MessageKind.Pong:
                reader.End();
                break;
            case MessageKind.Refused:
                throw new JobHostException(Refused.Decode(ref reader).Reason);
            case MessageKind.ForkFailed:
                string reason = ForkFailed.Decode(ref reader).Reason;
                Answered();
                owner.ForkFailed(reason);
                break;
            case MessageKind.Exited:
                workers.TakeExited(WorkerExited.Decode(ref reader));
                break;
            default:
                throw new UnreachableException($"{nameof(HostMessageOrder)} allows {reader.Kind}, which nothing here takes");
        }
    }

    private void Answered()
    {
        if (ForksAsked == 0)
            throw new JobHostException("it forked a worker that nobody asked for");
        ForksAsked--;
    }

    private void MarkLost(string reason)
    {
        if (stage == HostStage.Lost)
            return;
        stage = HostStage.Lost;
        Dispose();
        workers.EndAll();
        owner.Lost(this, reason);
    }

    private void LetReap(ProcessId worker)
    {
        new Reap(worker.Value).Encode(channel.Writer);
        channel.Send();
    }

    private void Send(MessageKind kind)
    {
        channel.Writer.Begin(kind);
        channel.Send();
    }

    /// <summary>What may be wrong with an executable that says nothing.</summary>
    private string Hint() => stage != HostStage.Started ? "" : "; is it built with PipeForkAs.Jobs?";
}
