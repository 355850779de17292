using System.Buffers;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>A forked worker as the daemon sees it. It is ready until it has its order, runs one job, and ends.</summary>
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

    /// <summary>
    /// Whether the daemon reaped the worker because its job host died. From then on, another process may have its process id.
    /// </summary>
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

    /// <summary>Whether the caller has its reply, or the worker is released.</summary>
    public bool IsAnswered { get; private set; }

    /// <summary>
    /// Completes when the worker ends, with the way it ended. The result is null if the job host was lost, because then the way is unknown.
    /// </summary>
    public Task<WorkerExited?> Ended => ended.Task;

    /// <summary>What may be left of the job after the release.</summary>
    public Leftovers Leftovers => processes.Leftovers;

    /// <summary>Takes the worker from the pool.</summary>
    /// <param name="by">Learns when the caller has its reply, and when the worker is released.</param>
    public void Take(IWorkerTaker by) => taker = by;

    /// <summary>Hands over the streams of the job. The receiver must dispose them.</summary>
    public JobStreams TakeStreams()
    {
        JobStreams taken = streams ?? throw new InvalidOperationException("the worker's streams were taken already");
        streams = null;
        return taken;
    }

    /// <summary>
    /// Sets the target user of the worker. After the order, code of that user may have the other ends of the worker's sockets.
    /// </summary>
    public void AssignTo(Bucket user)
    {
        control.Peer = user;
        streams?.AssignTo(user);
    }

    /// <summary>Sends the worker its order. If the worker is already dead, only <see cref="Ended"/> shows it.</summary>
    /// <param name="order">The order.</param>
    /// <param name="limits">The limits for all processes of the job together.</param>
    /// <param name="writer">The buffer in which the order is encoded.</param>
    /// <param name="stderr">The worker's end of a stream for the job's stderr; null if stderr shares the stream of stdout.</param>
    /// <exception cref="SystemCallException">The order cannot be sent, or a limit cannot be set.</exception>
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
    /// Raises the send buffer, with CAP_NET_ADMIN above the system's limit. Without it, up to that limit, which is enough for all users
    /// except one in about 30,000 groups.
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
    /// Reads what the worker has reported so far. <see cref="StepFailed"/> means that no job ran. Otherwise the worker reports that the job
    /// began, and then <see cref="Returned"/> or nothing. Once the job began, the job itself can write anything to this socket. The daemon
    /// treats that as the job's own report, and ignores any other message.
    /// </summary>
    public WorkerReport ReadReport()
    {
        if (stage >= WorkerStage.Reported)
            return report;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(WorkerProtocol.MaxWorkerMessageBytes);
        while (stage < WorkerStage.Reported
            && Receive(buffer.AsSpan(0, WorkerProtocol.MaxWorkerMessageBytes)) is { IsEmpty: false } message)
            (report, stage) = report.With(message, stage);
        ArrayPool<byte>.Shared.Return(buffer);
        return report;
    }

    private Span<byte> Receive(Span<byte> buffer)
    {
        IOResult received = control.Receive(buffer);

        // If a worker ends before it reads its order, the kernel resets the connection, and recv(2) returns ECONNRESET before the data that
        // the worker had sent.
        if (received.Errno == Errno.ECONNRESET)
            received = control.Receive(buffer);
        return buffer[..(int)received.Count];
    }

    /// <summary>Marks that the caller has its reply, so that the processor is free for other work.</summary>
    public void Answered()
    {
        if (IsAnswered)
            return;
        IsAnswered = true;
        taker?.WorkerAnswered();
    }

    /// <summary>Lets the worker end if it waits until the caller has its reply; see <see cref="WorkerOrder.AwaitsAnswer"/>.</summary>
    public void LetGo()
    {
        if (stage != WorkerStage.Released)
            control.Shutdown(SocketShutdown.SHUT_WR);
    }

    /// <summary>Places the worker where its descendants cannot leave. May block, so it must not run on the loop's thread.</summary>
    /// <exception cref="SystemCallException">The worker cannot be placed.</exception>
    /// <exception cref="IsolationException">The place is in use.</exception>
    public void Place() => processes.Place();

    /// <summary>Assigns the orphans to this job after the worker ended and while its job continues.</summary>
    public void ClaimOrphans() => processes.ClaimOrphans();

    /// <summary>
    /// Returns the processor time of the job if the job is in an input wait (<see cref="InputWait"/>); otherwise null. May block, so it
    /// must not run on the loop's thread.
    /// </summary>
    /// <param name="isProgram">Whether the job is a program.</param>
    public long? LookForInputWait(bool isProgram) => InputWait.Look(Pid, isProgram, processes.Living());

    /// <summary>
    /// Signals the worker's process group, which the worker leads and cannot leave. If there is no group yet, signals the worker alone.
    /// </summary>
    public void Signal(Signal signal)
    {
        if (stage != WorkerStage.Released && (isReaped || !Libc.killpg(Pid, signal)))
            Libc.pidfd_send_signal(pidfd, signal);
    }

    /// <summary>
    /// Kills the job after its job host died and before the daemon reaps the worker. Until then, the process id surely belongs to the
    /// worker.
    /// </summary>
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

    /// <summary>Kills what is left of the job, and then frees the worker's process id for reuse.</summary>
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

    /// <summary>Marks the end of the worker. The job host calls this when the worker, or the job host's process, ends.</summary>
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
