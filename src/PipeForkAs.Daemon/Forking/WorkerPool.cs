using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Logging;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// The ready workers of a job host, and the requests that have no worker yet. For a request, the pool forks a worker at once. In advance,
/// the pool forks workers only when this takes no processor from a job. The number of ready workers follows the number of requests.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="path">The job host's executable.</param>
/// <param name="size">The number of workers that should be ready.</param>
/// <param name="processes">The processes that fork the workers.</param>
/// <param name="workerReleased">Called when a taken worker is released.</param>
/// <param name="logger">Receives a message when a worker ends before a request needs it.</param>
internal sealed class WorkerPool(
    Loop loop, string path, PoolSize size, IReadOnlyList<HostProcess> processes, Action workerReleased, ILogger logger)
    : IWorkerTaker
{
    private PoolSize size = size;

    private static readonly TimeSpan RefillPause = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The pause before a fork in advance. A short job has its reply by then; an earlier fork would take the processor from it.
    /// </summary>
    private static readonly TimeSpan FillDelay = TimeSpan.FromMilliseconds(2);

    /// <summary>The interval between checks of the size while the size is above the minimum.</summary>
    private static readonly TimeSpan SizePeriod = TimeSpan.FromSeconds(1);

    private readonly Queue<ForkedWorker> ready = new();
    private readonly FairQueue<TaskCompletionSource<ForkedWorker>> requests = new();
    private readonly ShortJobs shortJobs = new(loop);
    private LoopTimer? filling, shrinking;
    private bool refillPaused, closed;
    private int lastAsked;

    /// <summary>The number of ready workers.</summary>
    public int Ready => ready.Count;

    /// <summary>The number of workers that should be ready, according to the recent requests.</summary>
    public int Wanted => size.Wanted;

    /// <summary>The number of requests that found no ready worker.</summary>
    public long Misses { get; private set; }

    /// <summary>Whether requests have no worker yet.</summary>
    public bool IsAwaited => requests.Count > 0;

    /// <summary>Returns the number of short jobs that have no reply yet. Each of them needs a processor.</summary>
    public int CountUnanswered() => shortJobs.CountUnanswered();

    /// <summary>Returns a ready worker: one that was forked in advance, or a new one.</summary>
    /// <param name="bucket">The bucket of the caller. If several requests have no worker yet, the buckets take turns.</param>
    /// <param name="timeout">The longest time to wait.</param>
    /// <param name="onLeft">Receives the action to call when the caller disconnects.</param>
    /// <exception cref="JobHostException">The fork failed or timed out.</exception>
    /// <exception cref="OperationCanceledException">The caller disconnected.</exception>
    public async ValueTask<ForkedWorker> TakeAsync(Bucket bucket, TimeSpan timeout, Action<Action>? onLeft = null)
    {
        while (ready.TryDequeue(out ForkedWorker? idle))
        {
            if (idle.Ended.IsCompleted)
            {
                idle.Release();
                continue;
            }

            size.CountTaken(ready.Count);
            return HandOut(idle);
        }

        if (processes.Any(static process => process.IsReady))
            Grow();
        var taken = new TaskCompletionSource<ForkedWorker>();
        FairQueue<TaskCompletionSource<ForkedWorker>>.Place place = requests.Add(bucket, taken);
        using LoopTimer deadline = loop.Schedule(timeout, () =>
        {
            requests.Remove(place);
            taken.TrySetException(
                new JobHostException($"no worker was forked within {timeout.TotalSeconds:0.###} s; the job host {path} does not answer"));
        });
        onLeft?.Invoke(() =>
        {
            requests.Remove(place);
            taken.TrySetCanceled();
        });
        Ask(requests.Count);
        return HandOut(await taken.Task);
    }

    /// <summary>Requests all missing workers.</summary>
    public void Fill()
    {
        filling?.Dispose();
        filling = null;
        Ask(requests.Count + (refillPaused ? 0 : size.Wanted - ready.Count));
    }

    /// <summary>Adds a requested worker.</summary>
    public void Add(ForkedWorker worker)
    {
        if (worker.Ended.IsCompleted)
        {
            IdleEnded(worker);
            worker.Release();
        }
        else if (requests.TryTake(out FairQueue<TaskCompletionSource<ForkedWorker>>.Place? next))
        {
            next.Item.TrySetResult(worker);
        }
        else if (ready.Count < size.Wanted)
        {
            ready.Enqueue(worker);
        }
        else
        {
            // The request for this worker did not wait long enough. Only the wanted number of workers stays ready, in particular no worker
            // that keeps root's privileges.
            worker.Release();
        }
    }

    /// <summary>
    /// Fails the next request because a requested worker could not be forked. The pool requests more workers after a pause.
    /// </summary>
    public void FailNext(string reason)
    {
        if (requests.TryTake(out FairQueue<TaskCompletionSource<ForkedWorker>>.Place? next))
            next.Item.TrySetException(new JobHostException(reason));

        PauseRefill();
    }

    /// <summary>Fails all requests that have no worker yet.</summary>
    public void Refuse(string reason)
    {
        while (requests.TryTake(out FairQueue<TaskCompletionSource<ForkedWorker>>.Place? next))
            next.Item.TrySetException(new JobHostException(reason));
    }

    /// <summary>Notes that a worker ended.</summary>
    public void NoticeEnd(ForkedWorker worker)
    {
        if (ready.Contains(worker))
            IdleEnded(worker);
    }

    /// <summary>Releases workers that have ended.</summary>
    public void RemoveEnded()
    {
        for (int left = ready.Count; left > 0; left--)
        {
            ForkedWorker worker = ready.Dequeue();
            if (worker.Ended.IsCompleted)
                worker.Release();
            else
                ready.Enqueue(worker);
        }
    }

    /// <summary>Releases the ready workers. From now on, the pool forks workers only for requests.</summary>
    public void Retire()
    {
        size = new PoolSize(0, 0);
        while (ready.TryDequeue(out ForkedWorker? idle))
            loop.Guard(idle.Release);
    }

    /// <summary>Releases all workers and requests no more.</summary>
    public void Close()
    {
        closed = true;
        filling?.Dispose();
        shrinking?.Dispose();
        Refuse("the daemon is stopping");
        while (ready.TryDequeue(out ForkedWorker? idle))
            idle.Release();
    }

    void IWorkerTaker.WorkerAnswered() => FillUnlessBusy();

    void IWorkerTaker.WorkerReleased() => workerReleased();

    private ForkedWorker HandOut(ForkedWorker worker)
    {
        shortJobs.Add(worker);
        worker.Take(this);
        filling ??= loop.Schedule(FillDelay, FillInTime);
        return worker;
    }

    private void Ask(int missing)
    {
        if (closed)
            return;
        for (int i = 0; i < processes.Count; i++)
            missing -= processes[i].ForksAsked;
        for (; missing > 0 && LeastAsked() is { } process; missing--)
            process.AskForFork();
    }

    private void FillInTime()
    {
        filling = null;
        if (!FillUnlessBusy())
            filling = loop.Schedule(FillDelay, FillInTime);
    }

    /// <summary>Forks the missing workers in advance. Returns false if so many short jobs run that a fork would only delay them.</summary>
    private bool FillUnlessBusy()
    {
        if (shortJobs.KeepProcessorsBusy)
            return false;
        Fill();
        return true;
    }

    private void Grow()
    {
        Misses++;
        size.CountMiss();
        if (size.IsGrown)
            shrinking ??= loop.Schedule(SizePeriod, Shrink);
    }

    private void Shrink()
    {
        shrinking = null;
        size.PeriodEnded(ready.Count);
        while (ready.Count > size.Wanted)
        {
            ForkedWorker unneeded = ready.Dequeue();
            loop.Guard(unneeded.Release);
        }

        if (size.IsGrown)
            shrinking = loop.Schedule(SizePeriod, Shrink);
    }

    /// <summary>Returns the process with the fewest pending forks. If several processes are equal, they take turns.</summary>
    private HostProcess? LeastAsked()
    {
        HostProcess? least = null;
        for (int i = 1, last = lastAsked; i <= processes.Count; i++)
        {
            HostProcess process = processes[(last + i) % processes.Count];
            if (process.IsReady && (least is null || process.ForksAsked < least.ForksAsked))
                (least, lastAsked) = (process, (last + i) % processes.Count);
        }

        return least;
    }

    /// <summary>
    /// Handles an idle worker that ended by itself. It failed to prepare, or a process killed it. Its replacement may fail too, so the pool
    /// pauses first.
    /// </summary>
    private void IdleEnded(ForkedWorker worker)
    {
        if (worker.Ended.Result is { } how)
            Log.IdleWorkerEnded(
                logger, path, worker.Pid.Value,
                worker.ReadReport().Failed?.Detail ?? $"{(how.BySignal ? "signal" : "exit code")} {how.Value}");
        PauseRefill();
    }

    private void PauseRefill()
    {
        if (refillPaused)
            return;
        refillPaused = true;
#pragma warning disable CA2000 // The timer must fire and is never cancelled.
        loop.Schedule(RefillPause, () =>
        {
            refillPaused = false;
            RemoveEnded();
            Fill();
        });
#pragma warning restore CA2000
    }
}
