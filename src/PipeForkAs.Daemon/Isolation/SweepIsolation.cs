using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// Keeps jobs together without control groups: scans /proc for the processes of a job. A worker is a child subreaper (prctl(2)): a
/// descendant that loses its parent becomes a child of the worker, so a scan finds all descendants from the worker as long as the worker
/// lives. When the worker has ended, they become children of the daemon; so do processes that a job starts after it has cleared the
/// subreaper flag of its worker. With CLONE_PARENT (clone(2)), processes make themselves children of the job host. Neither the daemon nor a
/// job host has other children that run as a user, so these processes are orphans: an orphan that no running job claims ends with the next
/// job of its user that ends, or with any job if its user has no job.
/// </summary>
internal sealed class SweepIsolation : JobIsolation
{
    private readonly Loop loop;
    private readonly ChildReaper reaper;
    private readonly BackgroundThread thread = new("sweep");
    private readonly HashSet<SweptJob> jobs = [];
    private readonly EndingJobs ending;

    public SweepIsolation(Loop loop, ChildReaper reaper, ILogger logger)
    {
        this.loop = loop;
        this.reaper = reaper;
        ending = new EndingJobs(
            loop, thread, logger, due => new SweepRound(reaper, Ordered()).LookFor(due),
            static (job, asked) => ((SweptJob)job.Job).Looked(job.IsOver, asked));
    }

    /// <inheritdoc/>
    public override bool PlacingBlocks => false;

    /// <inheritdoc/>
    public override JobProcesses For(ProcessId worker)
    {
        var job = new SweptJob(this, worker);
        jobs.Add(job);
        return job;
    }

    /// <inheritdoc/>
    public override async Task StopAsync()
    {
        await ending.AllOverAsync();

        // The job hosts have ended: every process of a user below the daemon came from a job.
        ending.Add(SweptJob.ForOrphans(), atOnce: true);
        await ending.AllOverAsync();
        thread.Stop();
    }

    /// <summary>Forgets a job of which no process is left.</summary>
    internal void Forget(SweptJob job) => jobs.Remove(job);

    /// <summary>
    /// Kills repeatedly until no process is left: also processes that were forked meanwhile, and those in an uninterruptible sleep.
    /// </summary>
    /// <returns>The number of requests to end this job.</returns>
    internal int End(SweptJob job, bool atOnce) => ending.Add(job, atOnce);

    /// <summary>Claims the orphans of a job's user for this job: they do not end with another job.</summary>
    internal void Claim(SweptJob job) => loop.Start(async () =>
    {
        HashSet<(int Pid, long Started)> claimed = [];
        Action look = new SweepRound(reaper, Ordered()).ClaimFor(job, claimed);
        await thread.RunAsync(look);
        job.Claimed = claimed;
    });

    private SweptJob[] Ordered() => [.. jobs.Where(job => job.User is not null)];
}
