using System.Globalization;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// Without control groups: the processes of a job are looked for in /proc. A worker is a child subreaper (prctl(2)): whoever of its
/// descendants loses the parent becomes its child, so that all are found from it as long as it lives. When it has ended they become
/// the daemon's own children. So does what a job started after it undid that for its worker; and since the daemon has no other
/// children of a user's, what no other job accounts for goes with the next job of that user that ends.
/// </summary>
internal sealed class SweepIsolation(Loop loop, ChildReaper reaper, ILogger logger) : JobIsolation
{
    /// <summary>Orphans become children of a process's first thread; proc_tid_children(5).</summary>
    private static readonly string OwnChildren = string.Create(CultureInfo.InvariantCulture, $"/proc/self/task/{Environment.ProcessId}/children");

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>How much of the loop's time is the others' while processes are chased, for each part that this takes.</summary>
    private const int OthersShare = 4;

    private readonly HashSet<SweptJob> jobs = [];
    private int killing;

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
        long begun = loop.Time.GetTimestamp();
        while (killing > 0 && loop.Time.GetElapsedTime(begun) < Patience)
            await loop.DelayAsync(FirstPause);
    }

    /// <summary>A job is done with, and nothing of it is left.</summary>
    internal void Forget(SweptJob job) => jobs.Remove(job);

    /// <summary>
    /// The daemon's children that are of this user and of no other job, each looked at when it is its turn; also those that have
    /// ended, since what one of them forked may have come after the look. Mostly that is nobody, and this is cheap: one file is read
    /// where the kernel has it.
    /// </summary>
    /// <exception cref="SystemCallException">That cannot be seen.</exception>
    internal IEnumerable<ProcessEntry> Orphans(SweptJob job, UserId user)
    {
        IEnumerable<ProcessEntry> children = ProcessEntry.ReadFile(OwnChildren) is { } text
            ? text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(pid => !IsKnown(int.Parse(pid, CultureInfo.InvariantCulture))).Select(ProcessEntry.Read).OfType<ProcessEntry>()
            : ProcessEntry.All().Where(entry => entry.Parent == Environment.ProcessId && !IsKnown(entry.Pid));
        return children.Where(child => child.IsOf(user) && !jobs.Any(other => other != job && other.Claims(child)));
    }

    /// <summary>Kills again and again until nothing is left: what was forked meanwhile, and what an unkillable sleep kept.</summary>
    internal void KillAll(SweptJob job) => loop.Start(() => KillAllAsync(job));

    private async Task KillAllAsync(SweptJob job)
    {
        killing++;
        string? problem = null;
        bool told = false;
        long begun = loop.Time.GetTimestamp();
        TimeSpan pause = FirstPause;
        while (true)
        {
            long looked = loop.Time.GetTimestamp();
            if (TryKill(job, ref problem) is not { } left)
                break;
            if (!told && loop.Time.GetElapsedTime(begun) > Patience)
            {
                told = true;
                Unkillable++;
                string living = string.Join(", ", left.Take(16).Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Pid} ({entry.State})")));
                Log.JobUnkillable(logger, job.ToString(), living, Unkillable);
            }

            // Whoever forks itself anew faster than it is found is caught by looking soon again, and the others have the loop meanwhile.
            pause = job.FoundOthers ? OthersShare * loop.Time.GetElapsedTime(looked) : pause * 2;
            pause = pause < FirstPause ? FirstPause : pause > LongestPause ? LongestPause : pause;
            await loop.DelayAsync(pause);
        }

        killing--;
        job.AllGone();
        if (told)
            Log.UnkillableEnded(logger, job.ToString(), --Unkillable);
    }

    /// <summary>Kills what is found, and returns that; null for nobody. An error is logged unless the last one was the same: it is to be tried again.</summary>
    private List<ProcessEntry>? TryKill(SweptJob job, ref string? problem)
    {
        try
        {
            return job.KillOnce() is { Count: > 0 } found ? found : null;
        }
#pragma warning disable CA1031 // No descriptors or no memory, mostly. Whatever it is, the job must be killed all the same.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            if (problem != failure.Message)
                Log.KillFailed(logger, job.ToString(), failure.Message);
            problem = failure.Message;
            return [];
        }
    }

    private bool IsKnown(int pid) => reaper.IsRegistered(new ProcessId(pid));
}
