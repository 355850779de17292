using System.Runtime.ExceptionServices;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Relaying;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// A job that runs, and its end: by itself, or SIGTERM, a grace, SIGKILL, another grace, and then nobody waits for it any more.
/// Nothing of this needs the worker's help.
/// </summary>
internal sealed class RunningJob : IRelayObserver, IDisposable
{
    /// <summary>
    /// Between SIGKILL and giving up, and for a client that takes no more: a process in an unkillable sleep may never end.
    /// </summary>
    private static readonly TimeSpan LastGrace = TimeSpan.FromSeconds(2);

    private readonly Loop loop;
    private readonly ForkedWorker worker;
    private readonly bool isProgram;
    private readonly TimeSpan grace, orphanGrace;
    private readonly long due;
    private readonly TaskCompletionSource givenUp = new();
    private LoopTimer? next;
    private ExceptionDispatchInfo? failure;
    private bool disposed;

    /// <param name="client">The client.</param>
    /// <param name="taken">The worker and its streams.</param>
    /// <param name="isProgram">Whether the job is a program.</param>
    /// <param name="order">What it is run with.</param>
    /// <param name="limits">How long it has after it was told to end.</param>
    public RunningJob(Connection client, TakenWorker taken, bool isProgram, JobOrder order, LimitOptions limits)
    {
        loop = client.Loop;
        worker = taken.Worker;
        this.isProgram = isProgram;
        Input = new InputRelay(client, taken.Streams.Stdin, this);
        Output = new OutputRelay(client, taken.Streams.Stdout, taken.Stderr?.Own, order.OutputLimit, this);
        grace = limits.KillGrace;
        orphanGrace = limits.OrphanGrace;
        Timeout = order.Timeout;
        due = loop.Time.GetTimestamp() + (long)(Timeout.TotalSeconds * loop.Time.TimestampFrequency);
        next = loop.Schedule(Timeout, () => End(EndReason.Timeout));
    }

    /// <summary>Moves the client's input to the job.</summary>
    public InputRelay Input { get; }

    /// <summary>Moves the job's output to the client.</summary>
    public OutputRelay Output { get; }

    /// <summary>Why it was ended; <see cref="EndReason.None"/> where it was not.</summary>
    public EndReason Reason { get; private set; }

    /// <summary>When its input or output last moved something, or it began; a time stamp of the loop's.</summary>
    public long LastMoved => Math.Max(Input.LastMoved, Output.LastMoved);

    /// <summary>How long it may run.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>Ends it. Only the first reason counts.</summary>
    public void End(EndReason reason)
    {
        if (Reason != EndReason.None || disposed)
            return;
        Reason = reason;
        Next(grace, Kill);
        worker.Signal(Signal.SIGTERM);
    }

    /// <summary>
    /// The processor time that it has used, where it waits for its standard input and does nothing else; else null. May block, and is for
    /// another thread than the loop's.
    /// </summary>
    public long? LookForInputWait() => worker.LookForInputWait(isProgram);

    /// <summary>
    /// Waits until the output is relayed, or cannot be. True where the job then says of itself that it returned and all is well: its
    /// client need not wait until its worker is taken down, which takes longer than a short job.
    /// </summary>
    public async ValueTask<bool> ReportsSuccessAsync(Task relayed)
    {
        await Task.WhenAny(relayed, givenUp.Task);
        if (!relayed.IsCompletedSuccessfully || Reason != EndReason.None || worker.ReadReport().Returned is not { Kind: ReturnKind.Exited })
            return false;

        // It is the job's own word: one that goes on all the same has what others have that were told to end.
        if (!worker.Ended.IsCompleted)
            Next(grace, Kill);
        return true;
    }

    /// <summary>
    /// Watches over a relay: where it fails, the job is ended, and <see cref="FinishAsync"/> throws what it threw. Half of an input or
    /// output is none.
    /// </summary>
    public async Task GuardAsync(Task relay)
    {
        try
        {
            await relay;
        }
#pragma warning disable CA1031 // Whatever it is: it is thrown again where the job is awaited.
        catch (Exception thrown)
#pragma warning restore CA1031
        {
            failure ??= ExceptionDispatchInfo.Capture(thrown);
            if (!disposed)
                Kill();
        }
    }

    /// <summary>
    /// Waits until the output is relayed and the worker has ended. Null where nobody can say how: its job host died, or it cannot be
    /// killed.
    /// </summary>
    public async Task<WorkerExited?> FinishAsync(Task relayed)
    {
        _ = GuardAsync(relayed);
        Task<WorkerExited?> ended = worker.Ended;
        await Task.WhenAny(relayed, ended, givenUp.Task);

        // The worker is gone and somebody holds its pipes: descendants get a grace, then they are ended.
        if (ended.IsCompleted && !relayed.IsCompleted && Reason == EndReason.None)
        {
            worker.ClaimOrphans();
            AwaitOrphans(loop.Time.GetTimestamp(), -1);
        }

        await Task.WhenAny(Task.WhenAll(relayed, ended), givenUp.Task);
        failure?.Throw();
        return ended.IsCompleted ? await ended : null;
    }

    public void Dispose()
    {
        disposed = true;
        next?.Dispose();
        try
        {
            worker.Release();
        }
        finally
        {
            Output.Dispose();
            Input.Dispose();
        }
    }

    void IRelayObserver.OutputLimitReached() => End(EndReason.OutputLimit);

    void IRelayObserver.JobSentDescriptors() => End(EndReason.JobSentDescriptors);

    void IRelayObserver.ClientSentDescriptors() => End(EndReason.ClientSentDescriptors);

    /// <summary>
    /// They have the grace as long as they write, or their output waits for the client. What is silent for a while holds an output that it
    /// does not need.
    /// </summary>
    /// <param name="since">When the worker had ended; a time stamp.</param>
    /// <param name="written">How much had been written at the last look.</param>
    private void AwaitOrphans(long since, long written)
    {
        TimeSpan left = grace - loop.Time.GetElapsedTime(since);
        long now = Output.StdoutBytes + Output.StderrBytes;
        if (left <= TimeSpan.Zero || (now == written && !Output.WaitsForClient))
            Kill();
        else
            Next(orphanGrace < left ? orphanGrace : left, () => AwaitOrphans(since, now));
    }

    private void Kill()
    {
        // First what comes next: where the killing fails, for want of a descriptor, the job must not be held for ever.
        Next(LastGrace, GiveUp);
        worker.KillAll();
    }

    private void GiveUp()
    {
        // All that the job wrote is still the client's, which may take it as slowly as the job might have written it.
        if (Reason == EndReason.None && Output.WaitsForClient)
        {
            if (loop.Time.GetTimestamp() < due)
            {
                Next(LastGrace, GiveUp);
                return;
            }

            Reason = EndReason.Timeout;
        }

        Output.Abandon();
        givenUp.TrySetResult();
    }

    private void Next(TimeSpan delay, Action step)
    {
        next?.Dispose();
        next = loop.Schedule(delay, step);
    }
}
