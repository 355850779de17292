using System.Diagnostics;
using System.Text.Json;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>One process of a job host, from its start until it is lost.</summary>
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

    /// <summary>Takes charge of a started process.</summary>
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

    public ProcessId Pid { get; }

    /// <summary>The file that the process executes; null if it is unknown.</summary>
    public ExecutableFile? Executable { get; }

    /// <summary>Whether the process can fork: it passed its self-test and is not lost.</summary>
    public bool IsReady => stage == HostStage.Serving;

    /// <summary>Whether the process can fork and answers.</summary>
    public bool IsHealthy => IsReady && heartbeat.IsResponsive;

    /// <summary>Whether the process ever forked a worker.</summary>
    public bool HasForked => workers.HaveBeenForked;

    /// <summary>The jobs of the process; complete when the process is ready.</summary>
    public IReadOnlyList<JobDescription> Jobs => jobs;

    /// <summary>The number of workers that the daemon requested and that the process has not forked yet.</summary>
    public int ForksAsked { get; private set; }

    /// <summary>Starts to read the messages of the process, and to report to the owner.</summary>
    public void Begin() => context.Loop.Start(ReadAsync);

    /// <summary>Requests one more worker.</summary>
    public void AskForFork()
    {
        ForksAsked++;
        Send(MessageKind.Fork);
    }

    /// <summary>
    /// Stops the process by closing its control socket. The process then ends its workers and itself; if it exceeds the grace period, the
    /// daemon kills it.
    /// </summary>
    public async Task StopAsync()
    {
        if (stage != HostStage.Lost)
            stage = HostStage.Stopping;
        Close();
        await Task.WhenAny(ended.Task, context.Loop.DelayAsync(StopGrace));
        Dispose();
        await Task.WhenAny(ended.Task, context.Loop.DelayAsync(StopGrace));
    }

    /// <summary>Kills the process. The reaper reaps it.</summary>
    public void Dispose()
    {
        Close();

        // Only the daemon's reaper reaps the process, so the process id is valid until the reaper reports the end here.
        if (!ended.Task.IsCompleted)
            Libc.kill(Pid, Signal.SIGKILL);
    }

    /// <summary>Lets the job host reap a worker that the daemon no longer needs.</summary>
    internal void Release(ForkedWorker worker)
    {
        // After the end of the process, its workers are the daemon's children.
        if (!workers.Remove(worker) || channel.IsClosed)
            return;
        context.Reaper.Forget(worker.Pid);
        AllowReap(worker.Pid);
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
            // The daemon no longer reads its messages.
            MarkLost("the daemon failed while it read the messages");
            throw;
        }
    }

    /// <summary>
    /// Reads the remaining messages: the daemon may see the end of the process before its last messages, which say how a worker ended or
    /// why the process refused to serve.
    /// </summary>
    private void TakeLastMessages()
    {
        try
        {
            channel.TakeArrived((message, descriptors) =>
            {
                // A process that has ended cannot provide a worker or become ready.
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
                // The descriptors were closed on the way, and that ends the worker.
                var pid = new ProcessId(Protocol.Worker.Forked.Decode(ref reader).Pid);
                Answered();
                owner.ForkFailed("the worker's descriptors did not arrive: the daemon has reached its limit of open descriptors");
                AllowReap(pid);
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
                throw new UnreachableException($"{nameof(HostMessageOrder)} allows {reader.Kind}, which this switch does not handle");
        }
    }

    private void Answered()
    {
        if (ForksAsked == 0)
            throw new JobHostException("it forked a worker that the daemon did not request");
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

    private void AllowReap(ProcessId worker)
    {
        new Reap(worker.Value).Encode(channel.Writer);
        channel.Send();
    }

    private void Send(MessageKind kind)
    {
        channel.Writer.Begin(kind);
        channel.Send();
    }

    /// <summary>Returns a possible reason why an executable sends nothing.</summary>
    private string Hint() => stage != HostStage.Started ? "" : "; is it built with PipeForkAs.Jobs?";
}
