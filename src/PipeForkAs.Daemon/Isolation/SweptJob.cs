using System.Globalization;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// The processes of a job without a control group: the descendants of its worker, its session, and orphans of its user;
/// <see cref="SweepRound"/>.
/// </summary>
internal sealed class SweptJob(SweepIsolation? owner, ProcessId worker) : JobProcesses
{
    private Action? reapable;
    private int askedAtRelease;
    private bool released;
    private volatile bool workerReaped;

    public ProcessId Worker => worker;

    /// <summary>The user of the job; null until the worker gets its order.</summary>
    public UserId? User { get; private set; }

    /// <summary>Whether the worker has ended by itself: then all remaining processes are orphans.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>
    /// Whether other processes can have the ids of the worker and its session. The background thread reads it after a scan.
    /// </summary>
    public bool IsWorkerReaped => workerReaped;

    /// <summary>Orphans that belong to this job until it ends. The set is replaced, never changed.</summary>
    public HashSet<(int Pid, long Started)> Claimed { get; set; } = [];

    /// <summary>The processes that the last scan found. Only the background thread uses it.</summary>
    public HashSet<(int Pid, long Started)> LastFound { get; set; } = [];

    /// <summary>The orphans that had ended at the last scan. Only the background thread uses it.</summary>
    public HashSet<(int Pid, long Started)> LastEnded { get; set; } = [];

    /// <summary>Makes a job that has ended and has no user: it owns the orphans that belong to no other job.</summary>
    public static SweptJob ForOrphans() =>
        new(null, default) { User = UserId.Unchanged, HasEnded = true, released = true, workerReaped = true };

    /// <inheritdoc/>
    public override void Place()
    {
    }

    /// <inheritdoc/>
    public override WorkerOrder Begin(WorkerOrder order, GroupLimits limits)
    {
        User = new UserId(order.Account.Uid);
        limits = limits.WithWorkerOf(order);
        return order with { KeepsOrphans = true, Limits = order.Limits with { DataBytes = limits.MemoryMax, Processes = limits.PidsMax } };
    }

    /// <inheritdoc/>
    public override void WorkerEnded() => HasEnded = true;

    /// <inheritdoc/>
    public override void ClaimOrphans()
    {
        if (User is not null)
            owner?.Claim(this);
    }

    /// <inheritdoc/>
    public override IReadOnlyCollection<int> Living() =>
        [worker.Value, .. ProcessEntry.Descendants(worker).Select(static process => process.Pid)];

    /// <inheritdoc/>
    public override void WorkerReaped() => workerReaped = true;

    /// <inheritdoc/>
    public override void Kill()
    {
        if (User is not null)
            owner?.End(this, atOnce: true);
    }

    /// <inheritdoc/>
    public override void Release(Action mayReap)
    {
        if (released)
            return;
        released = true;
        reapable = mayReap;
        if (User is null)
        {
            Looked(isOver: true, asked: 0);
            MarkGone();
        }
        else
            askedAtRelease = owner?.End(this, atOnce: !HasEnded) ?? 0;
    }

    /// <summary>Called after a scan.</summary>
    /// <param name="isOver">Whether no process is left.</param>
    /// <param name="asked">The number of requests to end the job before the scan.</param>
    public void Looked(bool isOver, int asked)
    {
        if (!released || asked < askedAtRelease)
            return;
        MarkExamined();
        if (reapable is { } mayReap)
        {
            reapable = null;
            workerReaped = true;
            mayReap();
        }

        if (isOver)
            owner?.Forget(this);
    }

    /// <inheritdoc/>
    public override string ToString() =>
        User == UserId.Unchanged ? "(none)" : string.Create(CultureInfo.InvariantCulture, $"of worker {worker}");
}
