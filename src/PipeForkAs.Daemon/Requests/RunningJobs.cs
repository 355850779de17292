namespace PipeForkAs.Daemon.Requests;

/// <summary>The jobs that run, for those who must end them all.</summary>
internal sealed class RunningJobs(RequestCounts counts)
{
    private readonly HashSet<RunningJob> jobs = [];

    /// <summary>What is counted of requests.</summary>
    public RequestCounts Counts => counts;

    /// <summary>Whether the daemon stops: nothing new is begun.</summary>
    public bool Stopping { get; set; }

    /// <summary>Adds a job; disposing what comes back takes it out, and disposes it.</summary>
    public Entry Add(RunningJob job)
    {
        jobs.Add(job);
        counts.Begun();
        return new Entry(this, job);
    }

    /// <summary>Ends all.</summary>
    public void EndAll(EndReason reason)
    {
        foreach (RunningJob job in jobs.ToArray())
            job.End(reason);
    }

    /// <summary>A job among the others.</summary>
    internal readonly struct Entry(RunningJobs owner, RunningJob job) : IDisposable
    {
        public RunningJob Job => job;

        public void Dispose()
        {
            owner.jobs.Remove(job);
            job.Dispose();
            owner.Counts.Ended();
        }
    }
}
