using System.Globalization;
using PipeForkAs.Daemon.Files;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// The control group of one job. Root owns the group: a job can read its limits, but cannot change them or leave the group. The daemon
/// makes the group and moves the worker into it while the worker is ready, because a move can take the kernel milliseconds.
/// </summary>
internal sealed class JobCgroup(CgroupIsolation owner, string path, ProcessId worker) : JobProcesses
{
    private readonly Lock gate = new();
    private bool made, workerReaped, released;

    /// <inheritdoc/>
    public override void Place()
    {
        lock (gate)
        {
            // Another process can have the number now, and would be killed with the job.
            if (workerReaped)
                return;
            if (!Libc.mkdir(path, 0x1ED)) // 0755
                throw new IsolationException($"{path} exists already");
            made = true;
            owner.Controllers.Prepare(path);
            IOResult moved = PlainFile.Write($"{path}/cgroup.procs", worker.ToString());
            if (moved.Errno != Errno.ESRCH) // The worker has ended; the code that waits for its end learns that.
                moved.OrThrow($"write(\"{path}/cgroup.procs\")");
        }
    }

    /// <inheritdoc/>
    public override WorkerOrder Begin(WorkerOrder order, GroupLimits limits)
    {
        limits = limits.WithWorkerOf(order);
        owner.Controllers.Limit(path, limits);
        return order with
        {
            Limits = order.Limits with
            {
                DataBytes = owner.LimitsMemory ? null : limits.MemoryMax,
                Processes = owner.LimitsProcesses ? null : limits.PidsMax,
            },
        };
    }

    /// <inheritdoc/>
    public override void WorkerReaped()
    {
        lock (gate)
            workerReaped = true;
    }

    /// <inheritdoc/>
    public override void Kill()
    {
        KilledAt ??= owner.Timestamp;
        owner.Kill(this);
    }

    /// <inheritdoc/>
    public override void Release(Action mayReap)
    {
        // The daemon releases a worker only after Place has returned: the loop does not wait for the lock.
        lock (gate)
        {
            if (released)
                return;
            released = workerReaped = true;
        }

        MarkExamined(); // The kernel knows what is in the group.
        if (made)
            owner.Remove(this);
        else
            MarkGone();
        mayReap();
    }

    /// <inheritdoc/>
    public override string ToString() => path;

    /// <summary>Kills the processes in the group. Can block.</summary>
    /// <exception cref="SystemCallException">The kill failed.</exception>
    public void KillNow()
    {
        lock (gate)
        {
            if (!made)
                return;
        }

        try
        {
            PlainFile.Write($"{path}/cgroup.kill", "1").OrThrow($"write(\"{path}/cgroup.kill\")");
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.ENOENT || failure.Errno == Errno.ENODEV)
        {
            // The group was removed: no process is in it.
        }
    }

    /// <summary>
    /// Kills each process in the group by its number: cgroup.kill signals only the first thread, and if that thread has ended, the others
    /// survive (__cgroup_kill in the kernel's cgroup.c, complete_signal in signal.c). The files stat and status would say which processes
    /// these are; but a reader of these files takes a reference to the memory of the process for a moment, and frees the memory if the
    /// process ends in that moment, as killed processes do: that can wait forever for a mapped file.
    /// </summary>
    /// <exception cref="SystemCallException">The kill failed.</exception>
    public void KillThreads()
    {
        string name = owner.NameOf(path);
        foreach (int pid in Living())
            ProcessEntry.KillIn(pid, name);
    }

    /// <summary>Takes over a group that an earlier daemon made.</summary>
    public void Adopt() => made = true;

    /// <summary>Removes the directory. Returns false while a process is in the group. Can block.</summary>
    public bool TryRemove()
    {
        try
        {
            return Libc.rmdir(path);
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.ENOENT)
        {
            return true;
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyCollection<int> Living() =>
        [.. Numbers().Select(static pid => int.Parse(pid, NumberStyles.None, CultureInfo.InvariantCulture))];

    /// <summary>
    /// Returns the users of the processes in the group: the owners of their directories in /proc, which are the effective uids;
    /// proc_pid(5).
    /// </summary>
    public UserId[] Users() =>
        [.. Living().Select(static pid => Libc.lstat(ProcessFile(pid, ""))?.Owner).OfType<UserId>().Distinct()];

    /// <summary>Returns the processes in the group, for the log, and where in the kernel each of them waits; proc_pid_wchan(5).</summary>
    public string LivingText() =>
        string.Join(", ", Living().Take(16).Select(static pid => $"{pid} ({PlainFile.TryRead(ProcessFile(pid, "wchan")) ?? "?"})"));

    private static string ProcessFile(int pid, string name) => string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/{name}");

    private string[] Numbers() => (PlainFile.TryRead($"{path}/cgroup.procs") ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
