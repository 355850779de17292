using System.Globalization;
using PipeForkAs.Daemon.Files;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// The control group of one job. It is root's: a job can read what it is limited to, and can neither change that nor leave. Made and
/// entered while the worker waits for its order, since to move a process can take the kernel milliseconds.
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
            // The number may be another's, who would be killed with the job.
            if (workerReaped)
                return;
            if (!Libc.mkdir(path, 0x1ED)) // 0755
                throw new IsolationException($"{path} exists already");
            made = true;
            owner.Prepare(path);
            IOResult moved = PlainFile.Write($"{path}/cgroup.procs", worker.ToString());
            if (moved.Errno != Errno.ESRCH) // It has ended; whoever waits for its end is told by that.
                moved.OrThrow($"write(\"{path}/cgroup.procs\")");
        }
    }

    /// <inheritdoc/>
    public override WorkerOrder Begin(WorkerOrder order, GroupLimits limits)
    {
        limits = limits.WithWorkerOf(order);
        owner.Limit(path, limits);
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
        // A worker is released only after Place has returned: the loop does not wait for the lock.
        lock (gate)
        {
            if (released)
                return;
            released = workerReaped = true;
        }

        if (made)
            owner.Remove(this);
        else
            MarkGone();
        mayReap();
    }

    /// <inheritdoc/>
    public override string ToString() => path;

    /// <summary>Kills what lives in it. May block.</summary>
    /// <exception cref="SystemCallException">That fails.</exception>
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
            // It was removed: nothing lives in it.
        }
    }

    /// <summary>
    /// Kills each process in it by its number: cgroup.kill signals the first thread alone, which does not take the others with it where it
    /// has ended (__cgroup_kill in the kernel's cgroup.c, complete_signal in signal.c). Which processes these are, stat and status tell;
    /// but who reads them holds the memory of the process for a moment, and frees it where the process ends just then, as the killed ones
    /// do: that can wait for ever for a file which is mapped.
    /// </summary>
    /// <exception cref="SystemCallException">That fails.</exception>
    public void KillThreads()
    {
        string name = owner.NameOf(path);
        foreach (int pid in Living())
            ProcessEntry.KillIn(pid, name);
    }

    /// <summary>Takes a group over that an earlier daemon made.</summary>
    public void Adopt() => made = true;

    /// <summary>Removes the directory. False while something lives in it. May block.</summary>
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
    /// Whom the processes in it run as: who owns their folders in /proc, which are those of the effective uids; proc_pid(5).
    /// </summary>
    public UserId[] Users() =>
        [.. Living().Select(static pid => Libc.lstat(ProcessFile(pid, ""))?.Owner).OfType<UserId>().Distinct()];

    /// <summary>The processes in it, for the log, and where in the kernel each of them waits; proc_pid_wchan(5).</summary>
    public string LivingText() =>
        string.Join(", ", Living().Take(16).Select(static pid => $"{pid} ({PlainFile.TryRead(ProcessFile(pid, "wchan")) ?? "?"})"));

    private static string ProcessFile(int pid, string name) => string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/{name}");

    private string[] Numbers() => (PlainFile.TryRead($"{path}/cgroup.procs") ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
