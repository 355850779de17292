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
/// A running job and its end. The job ends by itself, or the daemon sends SIGTERM, waits for a grace period, sends SIGKILL, waits for
/// another grace period, and then gives up. No step needs the worker's help.
/// </summary>
internal sealed class RunningJob : IRelayObserver, IDisposable
{
    /// <summary>
    /// The time between SIGKILL and giving up, and the interval of checks on a caller that reads no more. A process in an unkillable sleep
    /// may never end.
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

    /// <param name="client">The connection of the caller.</param>
    /// <param name="taken">The worker and its streams.</param>
    /// <param name="isProgram">Whether the job is a program.</param>
    /// <param name="order">The parameters of the run.</param>
    /// <param name="limits">Defines the grace period between SIGTERM and SIGKILL.</param>
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

    /// <summary>Moves the caller's input to the job.</summary>
    public InputRelay Input { get; }

    /// <summary>Moves the job's output to the caller.</summary>
    public OutputRelay Output { get; }

    /// <summary>Why the daemon ended the job; <see cref="EndReason.None"/> if it did not.</summary>
    public EndReason Reason { get; private set; }

    /// <summary>The time when the input or output last moved something, or the job began, as a timestamp of the loop.</summary>
    public long LastMoved => Math.Max(Input.LastMoved, Output.LastMoved);

    /// <summary>The longest run time.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>Ends the job. Only the first reason counts.</summary>
    public void End(EndReason reason)
    {
        if (Reason != EndReason.None || disposed)
            return;
        Reason = reason;
        Next(grace, Kill);
        worker.Signal(Signal.SIGTERM);
    }

    /// <summary>
    /// Returns the processor time of the job if the job only waits for its standard input; otherwise null. May block, so it must not run on
    /// the loop's thread.
    /// </summary>
    public long? LookForInputWait() => worker.LookForInputWait(isProgram);

    /// <summary>
    /// Waits until the output is relayed or cannot be relayed. Returns true if the job then reports that it returned and the daemon found
    /// no problem. In that case the caller need not wait until the worker is torn down, which takes longer than a short job.
    /// </summary>
    public async ValueTask<bool> ReportsSuccessAsync(Task relayed)
    {
        await Task.WhenAny(relayed, givenUp.Task);
        if (!relayed.IsCompletedSuccessfully || Reason != EndReason.None || worker.ReadReport().Returned is not { Kind: ReturnKind.Exited })
            return false;

        // This is only the job's own report. A job that continues after it gets the same grace period as a job that received SIGTERM.
        if (!worker.Ended.IsCompleted)
            Next(grace, Kill);
        return true;
    }

    /// <summary>
    /// Observes a relay. If the relay fails, the daemon kills the job and <see cref="FinishAsync"/> throws the exception of the relay,
    /// because a partial input or output is useless.
    /// </summary>
    public async Task GuardAsync(Task relay)
    {
        try
        {
            await relay;
        }
#pragma warning disable CA1031 // FinishAsync throws any exception again.
        catch (Exception thrown)
#pragma warning restore CA1031
        {
            failure ??= ExceptionDispatchInfo.Capture(thrown);
            if (!disposed)
                Kill();
        }
    }

    /// <summary>
    /// Waits until the output is relayed and the worker has ended. Returns null if it is unknown how the worker ended: its job host died,
    /// or the worker cannot be killed.
    /// </summary>
    public async Task<WorkerExited?> FinishAsync(Task relayed)
    {
        _ = GuardAsync(relayed);
        Task<WorkerExited?> ended = worker.Ended;
        await Task.WhenAny(relayed, ended, givenUp.Task);

        // The worker is gone, and a process keeps its streams open. Descendants get a grace period before they are killed.
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
    /// Ends the orphans of the job. They have the grace period as long as they write or their output waits for the caller. An orphan that
    /// is silent between two checks keeps an output open that it does not use, and is killed at once.
    /// </summary>
    /// <param name="since">The time when the worker ended, as a timestamp.</param>
    /// <param name="written">The number of bytes that the job had written at the last check.</param>
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
        // Schedule the next step first. If the kill fails because there is no free descriptor, the job must not stay forever.
        Next(LastGrace, GiveUp);
        worker.KillAll();
    }

    private void GiveUp()
    {
        // The caller must get everything that the job wrote, and may read it as slowly as the job was allowed to write it.
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
