using System.Globalization;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// One scan of /proc for the processes of all jobs that are ending, on a separate thread. The scan begins with the children of the daemon
/// and of its job hosts, which are few to read; if there are orphans among them, or if a worker lives, the scan reads all processes, once
/// for all jobs.
/// </summary>
/// <param name="reaper">Knows the daemon's own processes and the workers.</param>
/// <param name="jobs">All jobs that have a user, including those that are ending.</param>
/// <param name="groups">
/// The control group that contains the groups of jobs: the end of a job's group ends the processes in it, so the scan skips them. Null
/// without control groups.
/// </param>
internal sealed class SweepRound(ChildReaper reaper, SweptJob[] jobs, string? groups = null)
{
    /// <summary>
    /// The most passes in one scan. If a job forks faster, the scan does not stop it completely; the next scan is due soon.
    /// </summary>
    private const int Looks = 8;

    private readonly OrphanSearch search = new(reaper, groups);
    private readonly Dictionary<int, SweptJob> bySession = [];
    private readonly Dictionary<(int Pid, long Started), SweptJob> byClaim = [];
    private readonly Dictionary<UserId, List<SweptJob>> byUser = [];

    /// <summary>The number of orphans of each job in this scan.</summary>
    private readonly Dictionary<SweptJob, int> assigned = [];

    /// <summary>
    /// Returns an action that scans for jobs that are ending, kills the processes that it finds, and stores the result in each job.
    /// </summary>
    public Action LookFor(IReadOnlyList<EndingJob> ending)
    {
        (SweptJob Job, EndingJob Ending, bool HasEnded)[] all =
            [.. ending.Select(one => ((SweptJob)one.Job, one, ((SweptJob)one.Job).HasEnded))];
        return () =>
        {
            Index();
            List<Orphan> orphans = search.Among(search.Children());
            var searches = new Dictionary<SweptJob, JobSearch>();
            foreach ((SweptJob job, EndingJob one, bool hasEnded) in all)
                searches.Add(job, new JobSearch(one));
            foreach (Orphan orphan in orphans)
                orphan.Owner = OwnerOf(orphan, searches);
            foreach ((SweptJob job, EndingJob one, bool hasEnded) in all)
            {
                if (hasEnded && !orphans.Exists(orphan => orphan.Owner == job))
                {
                    one.IsOver = !search.HasVanished;
                    searches.Remove(job);
                }
            }

            if (searches.Count > 0)
                End(searches, orphans);
        };
    }

    /// <summary>Returns an action that finds the orphans of a job whose worker has ended.</summary>
    /// <param name="job">The job.</param>
    /// <param name="claimed">Receives the orphans.</param>
    public Action ClaimFor(SweptJob job, HashSet<(int Pid, long Started)> claimed) => () =>
    {
        Index();
        var searches = new Dictionary<SweptJob, JobSearch> { [job] = new JobSearch(null) };
        IEnumerable<Orphan> living = search.Among(search.Children()).Where(static orphan => orphan.Process.IsAlive);
        foreach (Orphan orphan in living.Where(orphan => OwnerOf(orphan, searches) == job))
            claimed.Add(orphan.Process.Identity);
    };

    private void Index()
    {
        foreach (SweptJob job in jobs)
        {
            bySession[job.Worker.Value] = job;
            foreach ((int, long) orphan in job.Claimed)
                byClaim[orphan] = job;

            // A process that was killed with a job and has lost its parent since still belongs to that job.
            foreach ((int, long) killed in job.LastFound)
                byClaim.TryAdd(killed, job);
            if (!byUser.TryGetValue(job.User!.Value, out List<SweptJob>? ofUser))
                byUser.Add(job.User.Value, ofUser = []);
            ofUser.Add(job);
        }
    }

    /// <summary>Returns the ending job with which an orphan ends; null if the orphan belongs to a running job, or is root.</summary>
    private SweptJob? OwnerOf(Orphan orphan, Dictionary<SweptJob, JobSearch> searches)
    {
        SweptJob? owner = byClaim.GetValueOrDefault(orphan.Process.Identity);
        if (owner is null && bySession.TryGetValue(orphan.Process.Session, out SweptJob? inSession) && !inSession.IsWorkerReaped)
            owner = inSession;
        if (owner is not null)
            return searches.ContainsKey(owner) ? Assign(owner) : null;

        // Of several ending jobs of the user, choose the job with the fewest orphans: each orphan delays the end of its job.
        bool isOfUsers = false;
        foreach (UserId user in orphan.Users)
        {
            if (!byUser.TryGetValue(user, out List<SweptJob>? ofUser))
                continue;
            isOfUsers = true;
            if (ofUser.Where(searches.ContainsKey).MinBy(job => assigned.GetValueOrDefault(job)) is { } ending)
                return Assign(ending);
        }

        // No job has this uid: it is a subordinate id (subuid(5)), or the jobs of its user have ended.
        return isOfUsers || orphan.Users is [{ Value: 0 }] ? null : searches.Keys.First();
    }

    private SweptJob Assign(SweptJob job)
    {
        assigned[job] = assigned.GetValueOrDefault(job) + 1;
        return job;
    }

    /// <summary>Stops the processes that can be found until all are stopped, and kills them.</summary>
    private void End(Dictionary<SweptJob, JobSearch> searches, List<Orphan> orphans)
    {
        // A process that forks repeatedly must be stopped during the scan.
        foreach (Orphan orphan in orphans.Where(orphan => orphan.Owner is not null))
            orphan.Process.Send(Signal.SIGSTOP);

        // A signal makes a fork that is in progress fail (copy_process in the kernel's fork.c): a pass that finds no new process after the
        // last signal has found all of them.
        var stopped = new HashSet<(int Pid, long Started)>();
        Look(searches);
        for (int look = 1; look < Looks; look++)
        {
            bool isNew = false;
            foreach (ProcessEntry process in searches.Values.SelectMany(one => one.Living).Where(process => stopped.Add(process.Identity)))
                isNew |= process.Send(Signal.SIGSTOP);
            if (!isNew)
                break;
            Look(searches);
        }

        foreach (ProcessEntry process in searches.Values.SelectMany(one => one.Living))
            process.Send(Signal.SIGKILL);
        foreach ((SweptJob job, JobSearch found) in searches)
            found.Report(job, search.HasVanished);
    }

    private void Look(Dictionary<SweptJob, JobSearch> searches)
    {
        search.Restart();
        assigned.Clear();
        List<ProcessEntry> all = ProcessEntry.All();
        ILookup<int, ProcessEntry> byParent = all.ToLookup(process => process.Parent);
        var seen = new HashSet<int>();
        foreach (JobSearch one in searches.Values)
            one.Clear();

        // Until a worker is reaped, no other process has its number or its session's number.
        foreach (ProcessEntry process in all)
        {
            SweptJob? job = bySession.GetValueOrDefault(process.Pid) ?? bySession.GetValueOrDefault(process.Session);
            if (job is { IsWorkerReaped: false } && searches.TryGetValue(job, out JobSearch? one))
                Follow(process, one);
        }

        foreach (Orphan orphan in search.Among(all))
        {
            if (OwnerOf(orphan, searches) is not { } owner)
                continue;
            if (!orphan.Process.IsAlive)
                searches[owner].Ended.Add(orphan.Process);
            Follow(orphan.Process, searches[owner]);
        }

        void Follow(ProcessEntry first, JobSearch one)
        {
            var next = new Stack<ProcessEntry>([first]);
            while (next.TryPop(out ProcessEntry process))
            {
                if (!seen.Add(process.Pid))
                    continue;
                if (process.IsAlive)
                    one.Living.Add(process);
                foreach (ProcessEntry child in byParent[process.Pid])
                    next.Push(child);
            }
        }
    }

    private static string Name(ProcessEntry process) => string.Create(CultureInfo.InvariantCulture, $"{process.Pid} ({process.State})");

    /// <summary>The processes that a scan found of a job.</summary>
    private sealed class JobSearch(EndingJob? ending)
    {
        public List<ProcessEntry> Living { get; } = [];

        public List<ProcessEntry> Ended { get; } = [];

        public void Clear()
        {
            Living.Clear();
            Ended.Clear();
        }

        public void Report(SweptJob job, bool hasVanished)
        {
            // The scan might have missed a process that an orphan forked before it ended. An orphan that had ended at the previous scan has
            // forked nothing since.
            List<ProcessEntry> found = [.. Living, .. Ended.Where(process => !job.LastEnded.Contains(process.Identity))];
            job.LastEnded = [.. Ended.Select(process => process.Identity)];
            HashSet<(int, long)> now = [.. found.Select(process => process.Identity)];
            ending!.FoundOthers = hasVanished || !now.IsSubsetOf(job.LastFound);
            job.LastFound = now;
            ending.IsOver = found.Count == 0 && !hasVanished;
            if (ending.IsLate)
                ending.Living = string.Join(", ", found.Take(16).Select(Name));
        }
    }
}
