using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Forking;

/// <summary>The children of the job host. The children that it forked are its workers. Every other child is a process of a job that called
/// clone(2) with CLONE_PARENT. Alive, it would outlive its job; as a zombie, it would keep its process id. The job host kills and reaps it.
/// </summary>
/// <param name="ended">A signalfd(2) of SIGCHLD.</param>
internal sealed class Children(FileDescriptor ended)
{
    /// <summary>The most children that one pass kills, and the most passes in a row: a job must not keep the job host busy.</summary>
    private const int Pass = 1024, Passes = 4;

    /// <summary>How long to wait for the end of all children. The daemon kills a job host that takes two seconds.</summary>
    private const int LastMilliseconds = 1500, LastStepMilliseconds = 10;

    private readonly ChildList? list = ChildList.Open();
    private readonly int[] foreign = new int[Pass];
    private readonly byte[] signal = new byte[128];

    private readonly HashSet<int> workers = new(256);

    /// <summary>Workers that are still running, or whose end the job host has not seen yet.</summary>
    private readonly List<ProcessId> running = new(128);

    /// <summary>Workers that the daemon released before they ended: the job host reaps them without a report.</summary>
    private readonly List<ProcessId> letGo = new(64);

    public void Add(ProcessId worker)
    {
        workers.Add(worker.Value);
        running.Add(worker);
    }

    /// <summary>Reports every worker that has ended, and kills children that are not workers. One SIGCHLD can report several ends. A wait
    /// for any child does not see past zombies that wait for <see cref="LetGo"/>, so this checks each worker.
    /// </summary>
    /// <param name="report">Called for each worker that has ended.</param>
    public void TakeEnded(Action<EndedChild> report)
    {
        _ = Libc.read(ended, signal);
        for (int i = letGo.Count - 1; i >= 0; i--)
        {
            if (Libc.reap(letGo[i]) is null)
                continue;
            workers.Remove(letGo[i].Value);
            letGo.RemoveAt(i);
        }

        for (int i = running.Count - 1; i >= 0; i--)
        {
            if (Libc.peek_ended(running[i]) is not { } child)
                continue;
            running.RemoveAt(i);
            report(child);
        }

        EndForeign();
    }

    /// <summary>Releases a worker that the daemon no longer needs: reaps it now, or when it ends.</summary>
    public void LetGo(ProcessId worker)
    {
        // The job's other children of the job host must end before the worker's process id becomes free.
        EndForeign();
        running.Remove(worker);
        if (Libc.reap(worker) is null)
            letGo.Add(worker);
        else
            workers.Remove(worker.Value);
    }

    /// <summary>Kills children that are not workers. No signal reports a living child, so the job host calls this periodically.</summary>
    public void EndForeign()
    {
        if (list is null)
            ReapForeign();
        else
            KillForeign(list);
    }

    /// <summary>Kills all children. If the daemon is gone, this reaps them all, so that not even a zombie is left. If the daemon is
    /// running, this does not reap them: the daemon inherits them, and kills the rest of their process groups while no other process can
    /// have their process ids.
    /// </summary>
    public void EndAll(bool daemonIsGone)
    {
        foreach (ProcessId pid in running.Concat(letGo))
        {
            Libc.kill(pid, Signal.SIGKILL);
            if (daemonIsGone)
                Libc.wait_for(pid);
        }

        if (!daemonIsGone)
        {
            EndForeign();
            return;
        }

        // From here on, kill and reap every child, including workers whose end the daemon knows but which it has not released.
        workers.Clear();
        long begun = Environment.TickCount64;
        while ((list is null ? ReapForeign() : KillForeign(list)) && Environment.TickCount64 - begun < LastMilliseconds)
        {
            if (Libc.poll_readable(ended, LastStepMilliseconds))
                _ = Libc.read(ended, signal);
        }
    }

    /// <summary>Returns whether some are left. Only this thread reaps children, so no other process can take a child's process id.
    /// </summary>
    private bool KillForeign(ChildList children)
    {
        for (int pass = 0; pass < Passes; pass++)
        {
            int left = 0, count = children.FindOthers(workers, foreign);
            foreach (int number in foreign.AsSpan(0, count))
            {
                var pid = new ProcessId(number);
                if (Libc.reap(pid) is not null)
                    continue;
                Libc.kill(pid, Signal.SIGKILL);
                left++;
            }

            if (count < Pass)
                return left > 0;
        }

        return true;
    }

    /// <summary>Finds zombies without the kernel's list, unless an older zombie of a worker hides them; the daemon finds living children.
    /// Returns false because it is unknown whether some are left.
    /// </summary>
    private bool ReapForeign()
    {
        for (int i = 0; i < Pass * Passes && Libc.peek_any_ended() is { } child && !workers.Contains(child.Pid.Value); i++)
            Libc.reap(child.Pid);
        return false;
    }
}
