using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Logging;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// The workers of a job host that wait for requests, and the requests that wait for workers. Who waits has a worker forked at once. In
/// advance workers are forked when that takes no processor from a job; how many lie ready follows the requests.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="path">The job host's executable.</param>
/// <param name="size">How many shall lie ready.</param>
/// <param name="processes">Who forks them.</param>
/// <param name="workerReleased">Called when a worker that was taken is released.</param>
/// <param name="logger">Is told of workers that end before they are needed.</param>
internal sealed class WorkerPool(
    Loop loop, string path, PoolSize size, IReadOnlyList<HostProcess> processes, Action workerReleased, ILogger logger)
    : IWorkerTaker
{
    private PoolSize size = size;

    private static readonly TimeSpan RefillPause = TimeSpan.FromMilliseconds(100);

    /// <summary>A short job has its answer by then: a fork meanwhile would take its processor from it.</summary>
    private static readonly TimeSpan FillDelay = TimeSpan.FromMilliseconds(2);

    /// <summary>What has no answer by then is no short job: nothing is held up for it any more.</summary>
    private static readonly TimeSpan ShortJob = TimeSpan.FromMilliseconds(10);

    /// <summary>How often the size is looked at while it is more than the least.</summary>
    private static readonly TimeSpan SizePeriod = TimeSpan.FromSeconds(1);

    /// <summary>So many short jobs at once have work for all processors.</summary>
    private static readonly int EnoughToDo = 2 * Environment.ProcessorCount;

    private readonly Queue<ForkedWorker> ready = new();
    private readonly FairQueue<TaskCompletionSource<ForkedWorker>> waiting = new();

    /// <summary>
    /// Workers with an order, by the time at which they were taken; those that are answered or have run for long leave at the front.
    /// </summary>
    private readonly Queue<(ForkedWorker Worker, long Since)> busy = new();

    private LoopTimer? filling, shrinking;
    private bool refillPaused, closed;
    private int lastAsked;

    /// <summary>Workers that wait for a request.</summary>
    public int Ready => ready.Count;

    /// <summary>Workers that shall wait for a request, by what was asked of late.</summary>
    public int Wanted => size.Wanted;

    /// <summary>Whether requests wait for a worker.</summary>
    public bool IsAwaited => waiting.Count > 0;

    /// <summary>Short jobs that have no answer yet: each of them has work for a processor.</summary>
    public int CountUnanswered()
    {
        while (busy.TryPeek(out (ForkedWorker Worker, long Since) first)
            && (first.Worker.IsAnswered || loop.Time.GetElapsedTime(first.Since) > ShortJob))
            busy.Dequeue();
        int unanswered = 0;
        foreach ((ForkedWorker worker, _) in busy)
            unanswered += worker.IsAnswered ? 0 : 1;
        return unanswered;
    }

    /// <summary>A worker that waits for its order: one that was forked in advance, else one that is forked now.</summary>
    /// <param name="bucket">The bucket of the caller that needs it: where several wait, the buckets are served in turn.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <param name="onLeft">Is given what to call when whoever asks is gone.</param>
    /// <exception cref="JobHostException">The fork failed, or took too long.</exception>
    /// <exception cref="OperationCanceledException">Whoever asked is gone.</exception>
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
        FairQueue<TaskCompletionSource<ForkedWorker>>.Place place = waiting.Add(bucket, taken);
        using LoopTimer deadline = loop.Schedule(timeout, () =>
        {
            waiting.Remove(place);
            taken.TrySetException(
                new JobHostException($"no worker was forked within {timeout.TotalSeconds:0.###} s; the job host {path} does not answer"));
        });
        onLeft?.Invoke(() =>
        {
            waiting.Remove(place);
            taken.TrySetCanceled();
        });
        Ask(waiting.Count);
        return HandOut(await taken.Task);
    }

    /// <summary>Asks for all workers that are missing.</summary>
    public void Fill()
    {
        filling?.Dispose();
        filling = null;
        Ask(waiting.Count + (refillPaused ? 0 : size.Wanted - ready.Count));
    }

    /// <summary>A worker that was asked for.</summary>
    public void Add(ForkedWorker worker)
    {
        if (worker.Ended.IsCompleted)
        {
            IdleEnded(worker);
            worker.Release();
        }
        else if (waiting.TryTake(out FairQueue<TaskCompletionSource<ForkedWorker>>.Place? next))
        {
            next.Item.TrySetResult(worker);
        }
        else if (ready.Count < size.Wanted)
        {
            ready.Enqueue(worker);
        }
        else
        {
            // Who asked for it did not wait so long. More than are wanted do not lie ready, above all none that keeps what root may do.
            worker.Release();
        }
    }

    /// <summary>A worker that was asked for is not there. The request whose turn it is fails; more are asked for after a pause.</summary>
    public void FailNext(string reason)
    {
        if (waiting.TryTake(out FairQueue<TaskCompletionSource<ForkedWorker>>.Place? next))
            next.Item.TrySetException(new JobHostException(reason));

        PauseRefill();
    }

    /// <summary>There will be no workers: whoever waits is told.</summary>
    public void Refuse(string reason)
    {
        while (waiting.TryTake(out FairQueue<TaskCompletionSource<ForkedWorker>>.Place? next))
            next.Item.TrySetException(new JobHostException(reason));
    }

    /// <summary>A worker ended.</summary>
    public void NoticeEnd(ForkedWorker worker)
    {
        if (ready.Contains(worker))
            IdleEnded(worker);
    }

    /// <summary>Lets go of workers that have ended.</summary>
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

    /// <summary>Lets go of the workers that wait. From now on workers are forked for requests alone.</summary>
    public void Retire()
    {
        size = new PoolSize(0, 0);
        while (ready.TryDequeue(out ForkedWorker? idle))
            loop.Guard(idle.Release);
    }

    /// <summary>Lets go of all workers and asks for no more.</summary>
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
        busy.Enqueue((worker, loop.Time.GetTimestamp()));
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

    /// <summary>Forks in advance what is missing. False where there are so many short jobs that a fork would only hold them up.</summary>
    private bool FillUnlessBusy()
    {
        if (CountUnanswered() > EnoughToDo)
            return false;
        Fill();
        return true;
    }

    private void Grow()
    {
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

    /// <summary>The process with the fewest forks before it; in turn where several have as few.</summary>
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
    /// An idle worker that ends by itself failed to prepare, or somebody killed it. Its successor may fail as well: not too fast.
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
#pragma warning disable CA2000 // The timer is to fire, and is not kept to cancel it.
        loop.Schedule(RefillPause, () =>
        {
            refillPaused = false;
            RemoveEnded();
            Fill();
        });
#pragma warning restore CA2000
    }
}
