using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// Without control groups: the processes of a job are looked for in /proc. A worker is a child subreaper (prctl(2)): whoever of its
/// descendants loses the parent becomes its child, so that all are found from it as long as it lives. When it has ended they become
/// the daemon's own children; so does what a job started after it undid that for its worker. By CLONE_PARENT (clone(2)) they make
/// themselves children of the job host. Neither the daemon nor a job host has other children that run as a user, so these are orphans: a
/// orphan that no running job claims ends with the next job of its user that ends, or with any job if its user has no job.
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

    /// <summary>A job is done with, and nothing of it is left.</summary>
    internal void Forget(SweptJob job) => jobs.Remove(job);

    /// <summary>Kills again and again until nothing is left: what was forked meanwhile, and what an unkillable sleep kept.</summary>
    /// <returns>How often that was asked for.</returns>
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
