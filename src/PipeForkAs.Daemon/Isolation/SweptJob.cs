using System.Globalization;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>The processes of a job without a control group: its worker's descendants, its session, and orphans of its user.</summary>
internal sealed class SweptJob(SweepIsolation owner, ProcessId worker) : JobProcesses
{
    /// <summary>Who forks faster than that is not stopped as a whole; the next round is due soon.</summary>
    private const int Looks = 8;

    private readonly HashSet<(int Pid, long Started)> claimed = [];
    private HashSet<(int Pid, long Started)> lastFound = [], lastEnded = [];
    private UserId? user;
    private bool workerEnded, workerReaped, killing, released;

    /// <inheritdoc/>
    public override void Place()
    {
    }

    /// <inheritdoc/>
    public override Run Begin(Run order, GroupLimits limits)
    {
        user = new UserId(order.Account.Uid);
        return order with { KeepsOrphans = true, Limits = order.Limits with { DataBytes = limits.MemoryMax, Processes = limits.PidsMax } };
    }

    /// <inheritdoc/>
    public override void WorkerEnded() => workerEnded = true;

    /// <inheritdoc/>
    public override void ClaimOrphans()
    {
        if (user is not { } uid)
            return;
        try
        {
            foreach (ProcessEntry orphan in owner.Orphans(this, uid).Where(orphan => orphan.IsAlive))
                claimed.Add((orphan.Pid, orphan.Started));
        }
        catch (Exception failure) when (failure is SystemCallException or IOException)
        {
            // Nobody is claimed: they may end with another job of the user's, a little early, but not outlive this one.
        }
    }

    /// <inheritdoc/>
    public override void WorkerReaped() => workerReaped = true;

    /// <inheritdoc/>
    public override void Kill()
    {
        if (killing)
            return;
        killing = true;
        owner.KillAll(this);
    }

    /// <inheritdoc/>
    public override void Release()
    {
        if (released)
            return;

        if (user is { } uid && (!workerEnded || MayHaveOrphans(uid)))
            Kill();
        released = workerReaped = true;
        if (!killing)
            owner.Forget(this);
    }

    /// <summary>
    /// Whether a process was seen to be this job's, or is in its worker's session, which nobody can join: setsid(2). Until the worker is
    /// reaped the session's number is its own.
    /// </summary>
    public bool Claims(ProcessEntry process) => (!workerReaped && process.Session == worker.Value) || claimed.Contains((process.Pid, process.Started));

    /// <summary>Whether <see cref="KillOnce"/> found somebody whom it had not found the time before.</summary>
    public bool FoundOthers { get; private set; }

    /// <summary>Stops all that can be found until all are stopped, and kills them. Returns whom it found: nobody means that nobody is left.</summary>
    /// <exception cref="SystemCallException">That cannot be seen.</exception>
    public List<ProcessEntry> KillOnce()
    {
        // Whoever forks itself anew all the time must be stopped while it is looked at.
        foreach (ProcessEntry orphan in user is { } uid ? owner.Orphans(this, uid) : [])
            orphan.Send(Signal.SIGSTOP);

        // A signal makes a fork that has not come to its end fail (copy_process in the kernel's fork.c): a look that finds nobody new
        // behind the last signal has found all.
        var stopped = new HashSet<(int Pid, long Started)>();
        (List<ProcessEntry> found, List<ProcessEntry> ended) = Look();
        for (int look = 1; look < Looks; look++)
        {
            bool isNew = false;
            foreach (ProcessEntry process in found.Where(process => stopped.Add((process.Pid, process.Started))))
                isNew |= process.Send(Signal.SIGSTOP);
            if (!isNew)
                break;
            (found, ended) = Look();
        }

        foreach (ProcessEntry process in found)
            process.Send(Signal.SIGKILL);

        // What an orphan forked before it ended may have come behind the look; if it had ended the time before, it was there to be seen.
        found.AddRange(ended.Where(orphan => !lastEnded.Contains((orphan.Pid, orphan.Started))));
        lastEnded = [.. ended.Select(orphan => (orphan.Pid, orphan.Started))];
        HashSet<(int Pid, long Started)> nowFound = [.. found.Select(process => (process.Pid, process.Started))];
        FoundOthers = !nowFound.IsSubsetOf(lastFound);
        lastFound = nowFound;
        return found;
    }

    /// <summary>All have ended.</summary>
    public void AllGone()
    {
        killing = false;
        if (released)
            owner.Forget(this);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"of worker {worker}");

    /// <summary>Where that cannot be seen, they are looked for until it can.</summary>
    private bool MayHaveOrphans(UserId uid)
    {
        try
        {
            return owner.Orphans(this, uid).Any();
        }
        catch (Exception failure) when (failure is SystemCallException or IOException)
        {
            return true;
        }
    }

    /// <summary>Who lives of the job's processes, and which orphans had ended when looked at.</summary>
    private (List<ProcessEntry> Living, List<ProcessEntry> Ended) Look()
    {
        List<ProcessEntry> all = ProcessEntry.All();
        ILookup<int, ProcessEntry> byParent = all.ToLookup(process => process.Parent);
        var seen = new HashSet<int>();
        var found = new List<ProcessEntry>();
        var ended = new List<ProcessEntry>();
        var next = new Stack<ProcessEntry>();
        if (!workerReaped)
        {
            // Until it is reaped, its number and its session's are its own.
            foreach (ProcessEntry process in all.Where(process => process.Pid == worker.Value || process.Session == worker.Value))
                next.Push(process);
        }

        if (user is { } uid)
        {
            foreach (ProcessEntry orphan in owner.Orphans(this, uid))
            {
                next.Push(orphan);
                if (!orphan.IsAlive)
                    ended.Add(orphan);
            }
        }

        while (next.TryPop(out ProcessEntry process))
        {
            if (!seen.Add(process.Pid))
                continue;
            if (process.IsAlive)
                found.Add(process);
            foreach (ProcessEntry child in byParent[process.Pid])
                next.Push(child);
        }

        return (found, ended);
    }
}
