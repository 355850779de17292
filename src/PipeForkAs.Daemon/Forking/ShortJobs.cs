using PipeForkAs.Daemon.EventLoop;

namespace PipeForkAs.Daemon.Forking;

/// <summary>The jobs of a job host that began a moment ago and have no reply yet. Each of them needs a processor.</summary>
/// <param name="loop">The loop.</param>
internal sealed class ShortJobs(Loop loop)
{
    /// <summary>The longest duration of a short job.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(10);

    /// <summary>The number of simultaneous short jobs that keep all processors busy.</summary>
    private static readonly int Enough = 2 * Environment.ProcessorCount;

    /// <summary>
    /// Workers with an order, sorted by the time at which they were taken. Those that have a reply or run for long are removed from the
    /// front.
    /// </summary>
    private readonly Queue<(ForkedWorker Worker, long Since)> workers = new();

    /// <summary>Whether so many short jobs run that any other work would delay them.</summary>
    public bool KeepProcessorsBusy => CountUnanswered() > Enough;

    /// <summary>Adds the worker of a job that begins now.</summary>
    public void Add(ForkedWorker worker) => workers.Enqueue((worker, loop.Time.GetTimestamp()));

    /// <summary>Returns the number of short jobs that have no reply yet.</summary>
    public int CountUnanswered()
    {
        while (workers.TryPeek(out (ForkedWorker Worker, long Since) first)
            && (first.Worker.IsAnswered || loop.Time.GetElapsedTime(first.Since) > Longest))
            workers.Dequeue();
        int unanswered = 0;
        foreach ((ForkedWorker worker, _) in workers)
            unanswered += worker.IsAnswered ? 0 : 1;
        return unanswered;
    }
}
