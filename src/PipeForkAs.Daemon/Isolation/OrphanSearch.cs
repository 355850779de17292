using System.Globalization;
using PipeForkAs.Daemon.Files;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// Finds orphans: children of the daemon and of its job hosts that neither of them started. They are the processes of jobs that lost their
/// parents. For one scan, on a separate thread.
/// </summary>
/// <param name="reaper">Knows the daemon's own processes and the workers.</param>
/// <param name="groups">
/// The control group that contains the groups of jobs: processes in it are skipped. Null without control groups.
/// </param>
internal sealed class OrphanSearch(ChildReaper reaper, string? groups)
{
    /// <summary>
    /// For this time after the release of a worker, no other process has its number: no process can fork through all numbers that fast.
    /// </summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(100);

    private static readonly int Self = Environment.ProcessId;

    private readonly HashSet<int> jobHosts = [.. reaper.JobHosts];

    /// <summary>Whether a child was gone before its user was read: the scan might have missed a process that the child forked.</summary>
    public bool HasVanished { get; private set; }

    /// <summary>Begins another pass of the scan.</summary>
    public void Restart() => HasVanished = false;

    /// <summary>
    /// Returns the children of the daemon and of its job hosts, from the kernel's lists; all processes if the kernel has no such lists
    /// (CONFIG_PROC_CHILDREN).
    /// </summary>
    public IEnumerable<ProcessEntry> Children()
    {
        // Orphans become children of the first thread of a process; proc_tid_children(5).
        if (Children(Self) is not { } own)
            return ProcessEntry.All();
        int[] hosts = [.. jobHosts.SelectMany(host => Children(host) ?? [])];
        reaper.ForgetReaped(hosts);
        return hosts.Concat(own).Where(pid => !reaper.IsRegistered(new ProcessId(pid))).Select(Read).OfType<ProcessEntry>();
    }

    /// <summary>Selects the children of the daemon and of job hosts that neither of them started.</summary>
    public List<Orphan> Among(IEnumerable<ProcessEntry> processes)
    {
        var orphans = new List<Orphan>();
        foreach (ProcessEntry process in processes)
        {
            bool isHosts = jobHosts.Contains(process.Parent);
            if ((!isHosts && process.Parent != Self) || reaper.IsRegistered(new ProcessId(process.Pid)))
                continue;

            // The daemon looked for the leftover processes of a worker before it released the worker.
            if (isHosts && !process.IsAlive && reaper.LetGoSince(new ProcessId(process.Pid)) is not null)
                continue;
            if (process.Users() is not { } users)
            {
                HasVanished = true;
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

    /// <summary>Reads a child; returns null for a worker that has ended, and for a process that is gone.</summary>
    private ProcessEntry? Read(int pid)
    {
        TimeSpan? letGo = reaper.LetGoSince(new ProcessId(pid));
        if (letGo < Fresh)
            return null;

        // Check this before any read that takes a reference to the memory of the process; see JobCgroup.KillThreads.
        bool? isInJob = IsInJob(pid);
        HasVanished |= isInJob is null && letGo is null;
        if (isInJob != false)
            return null;
        ProcessEntry? process = ProcessEntry.Read(pid);
        if (letGo is not null && process is null or { IsAlive: false })
            return null;
        HasVanished |= process is null;
        return process;
    }

    /// <summary>Whether the process is in the group of a job; null if the process is gone.</summary>
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
}
