using System.Globalization;
using PipeForkAs.Daemon.Files;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// One look in /proc for the processes of all jobs that are ending, on a thread of its own. It begins with the children of the daemon and
/// of its job hosts, which is little to read; where there are orphans among them, or a worker lives, all processes are looked at, for all
/// jobs together.
/// </summary>
/// <param name="reaper">Knows the daemon's own processes and the workers.</param>
/// <param name="jobs">All jobs that have a user, those that are ending too.</param>
/// <param name="groups">
/// The control group below which jobs have theirs: what is in there ends by it, and is not looked for. Null without control groups.
/// </param>
internal sealed class SweepRound(ChildReaper reaper, SweptJob[] jobs, string? groups = null)
{
    /// <summary>Looks in one round. A job that forks faster is not stopped completely; the next round is due soon.</summary>
    private const int Looks = 8;

    /// <summary>
    /// For so long the number of a worker that was let go is surely not another's: a process cannot fork through all numbers in it.
    /// </summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(100);

    private static readonly int Self = Environment.ProcessId;

    private readonly HashSet<int> jobHosts = [.. reaper.JobHosts];
    private readonly Dictionary<int, SweptJob> bySession = [];
    private readonly Dictionary<(int Pid, long Started), SweptJob> byClaim = [];
    private readonly Dictionary<UserId, List<SweptJob>> byUser = [];

    /// <summary>How many orphans each job got in this look.</summary>
    private readonly Dictionary<SweptJob, int> assigned = [];

    /// <summary>Whether a child was gone before its user was read: the look may have missed what it forked.</summary>
    private bool hasVanished;

    /// <summary>Returns what looks for jobs that are ending, kills what it finds, and says in each of them what that was.</summary>
    public Action LookFor(IReadOnlyList<EndingJob> ending)
    {
        (SweptJob Job, EndingJob Ending, bool HasEnded)[] all =
            [.. ending.Select(one => ((SweptJob)one.Job, one, ((SweptJob)one.Job).HasEnded))];
        return () =>
        {
            Index();
            List<Orphan> orphans = FindOrphans(Children());
            var searches = new Dictionary<SweptJob, JobSearch>();
            foreach ((SweptJob job, EndingJob one, bool hasEnded) in all)
                searches.Add(job, new JobSearch(one));
            foreach (Orphan orphan in orphans)
                orphan.Owner = OwnerOf(orphan, searches);
            foreach ((SweptJob job, EndingJob one, bool hasEnded) in all)
            {
                if (hasEnded && !orphans.Exists(orphan => orphan.Owner == job))
                {
                    one.IsOver = !hasVanished;
                    searches.Remove(job);
                }
            }

            if (searches.Count > 0)
                End(searches, orphans);
        };
    }

    /// <summary>Returns what finds the orphans of a job whose worker has ended.</summary>
    /// <param name="job">The job.</param>
    /// <param name="claimed">Takes them.</param>
    public Action ClaimFor(SweptJob job, HashSet<(int Pid, long Started)> claimed) => () =>
    {
        Index();
        var searches = new Dictionary<SweptJob, JobSearch> { [job] = new JobSearch(null) };
        foreach (Orphan orphan in FindOrphans(Children()).Where(orphan => orphan.Process.IsAlive && OwnerOf(orphan, searches) == job))
            claimed.Add(orphan.Process.Identity);
    };

    private void Index()
    {
        foreach (SweptJob job in jobs)
        {
            bySession[job.Worker.Value] = job;
            foreach ((int, long) orphan in job.Claimed)
                byClaim[orphan] = job;

            // What was killed with a job and has lost its parent since is still that job's.
            foreach ((int, long) killed in job.LastFound)
                byClaim.TryAdd(killed, job);
            if (!byUser.TryGetValue(job.User!.Value, out List<SweptJob>? ofUser))
                byUser.Add(job.User.Value, ofUser = []);
            ofUser.Add(job);
        }
    }

    /// <summary>
    /// The children of the daemon and of its job hosts, by the kernel's lists; all processes where it has none (CONFIG_PROC_CHILDREN).
    /// </summary>
    private IEnumerable<ProcessEntry> Children()
    {
        // Orphans become children of a process's first thread; proc_tid_children(5).
        if (Children(Self) is not { } own)
            return ProcessEntry.All();
        int[] hosts = [.. jobHosts.SelectMany(host => Children(host) ?? [])];
        reaper.ForgetReaped(hosts);
        return hosts.Concat(own).Where(pid => !reaper.IsRegistered(new ProcessId(pid))).Select(Read).OfType<ProcessEntry>();
    }

    /// <summary>A child; null for a worker that has ended, and for one that is gone.</summary>
    private ProcessEntry? Read(int pid)
    {
        TimeSpan? letGo = reaper.LetGoSince(new ProcessId(pid));
        if (letGo < Fresh)
            return null;

        // Before anything is read that holds its memory; see JobCgroup.KillThreads.
        bool? isInJob = IsInJob(pid);
        hasVanished |= isInJob is null && letGo is null;
        if (isInJob != false)
            return null;
        ProcessEntry? process = ProcessEntry.Read(pid);
        if (letGo is not null && process is null or { IsAlive: false })
            return null;
        hasVanished |= process is null;
        return process;
    }

    /// <summary>Whether the group of a job holds it; null where it is gone.</summary>
    private bool? IsInJob(int pid) => groups is null ? false : ProcessEntry.IsIn(pid, groups);

    private static IEnumerable<int>? Children(int pid)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/task/{pid}/children");
        try
        {
            string[] words = PlainFile.Read(path).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return words.Select(word => int.Parse(word, CultureInfo.InvariantCulture));
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.ENOENT || failure.Errno == Errno.ESRCH)
        {
            return null;
        }
    }

    /// <summary>Selects the children of the daemon and of job hosts that neither of them started.</summary>
    private List<Orphan> FindOrphans(IEnumerable<ProcessEntry> processes)
    {
        var orphans = new List<Orphan>();
        foreach (ProcessEntry process in processes)
        {
            bool isHosts = jobHosts.Contains(process.Parent);
            if ((!isHosts && process.Parent != Self) || reaper.IsRegistered(new ProcessId(process.Pid)))
                continue;

            // What a worker left behind was looked for before it was let go.
            if (isHosts && !process.IsAlive && reaper.LetGoSince(new ProcessId(process.Pid)) is not null)
                continue;
            if (process.Users() is not { } users)
            {
                hasVanished = true;
                continue;
            }

            // A worker that the daemon does not know yet is root. A worker that is not root has its order, and was registered before the
            // order was sent: so the second check, after the user was read, is certain.
            bool isRoot = Array.TrueForAll(users, user => user == UserId.Root);
            if ((isHosts && isRoot) || reaper.IsRegistered(new ProcessId(process.Pid)) || IsInJob(process.Pid) != false)
                continue;
            orphans.Add(new Orphan(process, isRoot ? [UserId.Root] : [.. users.Where(user => user != UserId.Root).Distinct()]));
        }

        return orphans;
    }

    /// <summary>The ending job with which an orphan ends; null if it belongs to a running job, or is root.</summary>
    private SweptJob? OwnerOf(Orphan orphan, Dictionary<SweptJob, JobSearch> searches)
    {
        SweptJob? owner = byClaim.GetValueOrDefault(orphan.Process.Identity);
        if (owner is null && bySession.TryGetValue(orphan.Process.Session, out SweptJob? inSession) && !inSession.IsWorkerReaped)
            owner = inSession;
        if (owner is not null)
            return searches.ContainsKey(owner) ? Assign(owner) : null;

        // Of several jobs of the user that end, the one with the fewest orphans: what each of them left behind keeps each from being over.
        bool isOfUsers = false;
        foreach (UserId user in orphan.Users)
        {
            if (!byUser.TryGetValue(user, out List<SweptJob>? ofUser))
                continue;
            isOfUsers = true;
            if (ofUser.Where(searches.ContainsKey).MinBy(job => assigned.GetValueOrDefault(job)) is { } ending)
                return Assign(ending);
        }

        // No job has this uid: it is a subordinate id (subuid(5)), or its user's jobs have ended.
        return isOfUsers || orphan.Users is [{ Value: 0 }] ? null : searches.Keys.First();
    }

    private SweptJob Assign(SweptJob job)
    {
        assigned[job] = assigned.GetValueOrDefault(job) + 1;
        return job;
    }

    /// <summary>Stops all that can be found until all are stopped, and kills them.</summary>
    private void End(Dictionary<SweptJob, JobSearch> searches, List<Orphan> orphans)
    {
        // A process that forks again and again must be stopped during the look.
        foreach (Orphan orphan in orphans.Where(orphan => orphan.Owner is not null))
            orphan.Process.Send(Signal.SIGSTOP);

        // A signal makes a fork that is in progress fail (copy_process in the kernel's fork.c): a look that finds no new process after the
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
            found.Report(job, hasVanished);
    }

    private void Look(Dictionary<SweptJob, JobSearch> searches)
    {
        hasVanished = false;
        assigned.Clear();
        List<ProcessEntry> all = ProcessEntry.All();
        ILookup<int, ProcessEntry> byParent = all.ToLookup(process => process.Parent);
        var seen = new HashSet<int>();
        foreach (JobSearch one in searches.Values)
            one.Clear();

        // Until it is reaped, a worker's number and its session's are its own.
        foreach (ProcessEntry process in all)
        {
            SweptJob? job = bySession.GetValueOrDefault(process.Pid) ?? bySession.GetValueOrDefault(process.Session);
            if (job is { IsWorkerReaped: false } && searches.TryGetValue(job, out JobSearch? one))
                Follow(process, one);
        }

        foreach (Orphan orphan in FindOrphans(all))
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

    /// <summary>What is found of a job.</summary>
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
            // The look may have missed what an orphan forked before it ended. An orphan that had ended at the look before forked nothing
            // since.
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
