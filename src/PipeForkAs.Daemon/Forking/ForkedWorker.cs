using System.Buffers;
using System.Diagnostics;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>A forked worker as the daemon sees it: it waits, runs one job, ends.</summary>
internal sealed class ForkedWorker
{
    private const int RaisedSendBuffer = 2 * WorkerProtocol.MaxMessageBytes;
    private readonly UntrustedSocket control;
    private readonly FileDescriptor pidfd;
    private readonly HostProcess host;
    private readonly JobProcesses processes;
    private readonly TaskCompletionSource<WorkerExited?> ended = new();
    private JobStreams? streams;
    private IWorkerTaker? taker;
    private WorkerReport report;
    private WorkerStage stage;

    /// <summary>Whether its process id may be another's: the daemon reaped it, since its job host died.</summary>
    private bool isReaped;

    public ForkedWorker(
        HostProcess host, ProcessId pid, UntrustedSocket control, FileDescriptor pidfd, JobStreams streams, JobProcesses processes)
    {
        this.host = host;
        Pid = pid;
        this.control = control;
        this.pidfd = pidfd;
        this.streams = streams;
        this.processes = processes;
    }

    public ProcessId Pid { get; }

    /// <summary>Whether the client has its answer, or the worker is done with.</summary>
    public bool IsAnswered { get; private set; }

    /// <summary>How it ended; null when its job host was lost and nobody can say.</summary>
    public Task<WorkerExited?> Ended => ended.Task;

    /// <summary>Completes when it was released, and nothing is left of its job.</summary>
    public Task Gone => processes.Gone;

    /// <summary>It is taken from the pool.</summary>
    /// <param name="by">Learns when its client has its answer, and when it is released.</param>
    public void Take(IWorkerTaker by) => taker = by;

    /// <summary>Hands over the job's streams: from now on they are closed by who takes them.</summary>
    public JobStreams TakeStreams()
    {
        JobStreams taken = streams ?? throw new InvalidOperationException("the worker's streams were taken already");
        streams = null;
        return taken;
    }

    /// <summary>Says which user it is going to be: from the order on, that user's code may have the other ends of its sockets.</summary>
    public void AssignTo(Bucket user)
    {
        control.Peer = user;
        streams?.AssignTo(user);
    }

    /// <summary>Gives it its order. That it may have died already shows in <see cref="Ended"/>.</summary>
    /// <param name="order">The order.</param>
    /// <param name="limits">What its job as a whole is limited to.</param>
    /// <param name="writer">What the order is written with.</param>
    /// <param name="stderr">The end of a stream for the job's stderr; null where it goes where stdout goes.</param>
    /// <exception cref="SystemCallException">The order cannot be sent, or a limit not be set.</exception>
    public void Order(WorkerOrder order, GroupLimits limits, MessageWriter writer, FileDescriptor? stderr = null)
    {
        processes.Begin(order, limits).Encode(writer);
        stage = WorkerStage.Ordered;
        if (writer.Written.Length > WorkerProtocol.DefaultBufferBytes)
            Enlarge(control.Descriptor);

        IOResult sent = stderr is null ? control.Send(writer.Written) : Libc.sendmsg(control.Descriptor, writer.Written, [stderr]);
        if (sent.Failed && !sent.PeerGone)
            sent.OrThrow("sendmsg(worker)");
    }

    /// <summary>
    /// Over the system's limit where CAP_NET_ADMIN lets the daemon; else up to it, which is enough for all but a user in some 30,000
    /// groups.
    /// </summary>
    private static void Enlarge(FileDescriptor socket)
    {
        IOResult forced = Libc.setsockopt_sndbufforce(socket, RaisedSendBuffer);
        if (forced.Errno == Errno.EPERM)
            Libc.setsockopt_sndbuf(socket, RaisedSendBuffer);
        else
            forced.OrThrow("setsockopt(SO_SNDBUFFORCE)");
    }

    /// <summary>
    /// What it has said of itself so far: <see cref="StepFailed"/> and no job ran; or that the job began, and then
    /// <see cref="Returned"/> or nothing. Behind its beginning a job can write here whatever it wants: that is taken for what the
    /// job says of itself, and anything else is as good as nothing.
    /// </summary>
    public WorkerReport ReadReport()
    {
        if (stage >= WorkerStage.Reported)
            return report;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(WorkerProtocol.MaxWorkerMessageBytes);
        while (stage < WorkerStage.Reported
            && Receive(buffer.AsSpan(0, WorkerProtocol.MaxWorkerMessageBytes)) is { IsEmpty: false } message)
            stage = TakeMessage(message);
        ArrayPool<byte>.Shared.Return(buffer);
        return report;
    }

    /// <summary>Takes one message, and returns the stage that follows it.</summary>
    private WorkerStage TakeMessage(ReadOnlySpan<byte> message)
    {
        try
        {
            var reader = new MessageReader(message);
            if (!WorkerMessageOrder.Allowed(stage).Contains(reader.Kind))
                return WorkerStage.Reported;
            switch (reader.Kind)
            {
                case MessageKind.Began:
                    reader.End();
                    report = new WorkerReport { Began = true };
                    return WorkerStage.Running;
                case MessageKind.Returned:
                    report = report with { Returned = Returned.Decode(ref reader) };
                    return WorkerStage.Reported;
                case MessageKind.StepFailed:
                    report = new WorkerReport { Failed = StepFailed.Decode(ref reader) };
                    return WorkerStage.Reported;
                case MessageKind.Consent:
                    report = new WorkerReport { Consent = ConsentAnswer.Decode(ref reader) };
                    return WorkerStage.Reported;
                default:
                    throw new UnreachableException($"{nameof(WorkerMessageOrder)} allows {reader.Kind}, which nothing here takes");
            }
        }
        catch (FormatException)
        {
            return WorkerStage.Reported;
        }
    }

    private Span<byte> Receive(Span<byte> buffer)
    {
        IOResult received = control.Receive(buffer);

        // A worker that ended without reading its order resets the connection, and that is told before what it had sent.
        if (received.Errno == Errno.ECONNRESET)
            received = control.Receive(buffer);
        return buffer[..(int)received.Count];
    }

    /// <summary>The client has its answer: there is time for other work.</summary>
    public void Answered()
    {
        if (IsAnswered)
            return;
        IsAnswered = true;
        taker?.WorkerAnswered();
    }

    /// <summary>Lets a worker go that waits until the client has its answer; <see cref="WorkerOrder.AwaitsAnswer"/>.</summary>
    public void LetGo()
    {
        if (stage != WorkerStage.Released)
            control.Shutdown(SocketShutdown.SHUT_WR);
    }

    /// <summary>
    /// Puts it in its place, from where its descendants cannot leave. May block, and is for another thread than the loop's.
    /// </summary>
    /// <exception cref="SystemCallException">It cannot be put there.</exception>
    /// <exception cref="IsolationException">The place is taken.</exception>
    public void Place() => processes.Place();

    /// <summary>It has ended, and the job goes on: what it left behind is this job's, and no other's.</summary>
    public void ClaimOrphans() => processes.ClaimOrphans();

    /// <summary>
    /// The processor time of its job, where that waits for its standard input and does nothing else; else null. May block, and is for
    /// another thread than the loop's.
    /// </summary>
    /// <param name="isProgram">Whether the job is a program.</param>
    public long? LookForInputWait(bool isProgram) => InputWait.Look(Pid, isProgram, processes.Living());

    /// <summary>Signals its process group, which it leads and cannot leave; itself where it has none yet.</summary>
    public void Signal(Signal signal)
    {
        if (stage != WorkerStage.Released && (isReaped || !Libc.killpg(Pid, signal)))
            Libc.pidfd_send_signal(pidfd, signal);
    }

    /// <summary>Its job host died and the daemon is about to reap it: the last moment at which its number is surely its own.</summary>
    public void BeforeReap()
    {
        try
        {
            KillAll();
        }
        finally
        {
            isReaped = true;
            processes.WorkerReaped();
        }
    }

    /// <summary>Kills every process of the job.</summary>
    public void KillAll()
    {
        if (stage == WorkerStage.Released)
            return;
        try
        {
            Signal(LibC.Signal.SIGKILL);
        }
        finally
        {
            processes.Kill();
        }
    }

    /// <summary>The last word to it: what is left of the job is killed, and then its process id may be taken by others.</summary>
    public void Release()
    {
        if (stage == WorkerStage.Released)
            return;
        try
        {
            Signal(LibC.Signal.SIGKILL);
            if (ended.Task is { IsCompleted: true, Result: not null })
                ReadReport();
        }
        finally
        {
            Discard();
        }
    }

    private void Discard()
    {
        try
        {
            processes.Release(() => host.Release(this));
        }
        finally
        {
            stage = WorkerStage.Released;
            control.Dispose();
            pidfd.Dispose();
            streams?.Dispose();
            Answered();
            taker?.WorkerReleased();
        }
    }

    /// <summary>Called by the job host when the worker ended, or the job host itself did.</summary>
    internal void MarkEnded(WorkerExited? how)
    {
        try
        {
            if (how is not null && stage != WorkerStage.Released)
                processes.WorkerEnded();
        }
        finally
        {
            ended.TrySetResult(how);
        }
    }
}

/// <summary>What a worker said of itself.</summary>
internal readonly record struct WorkerReport
{
    /// <summary>The step that failed; then nothing else is said.</summary>
    public StepFailed? Failed { get; init; }

    /// <summary>What it found, where it was asked for the user's consent and not to run a job; then nothing else is said.</summary>
    public ConsentAnswer? Consent { get; init; }

    /// <summary>Whether it had become the user and the function began. A command's worker does not say so.</summary>
    public bool Began { get; init; }

    /// <summary>How the function came to its end, in the job's own words.</summary>
    public Returned? Returned { get; init; }
}
