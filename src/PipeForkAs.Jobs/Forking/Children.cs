using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Forking;

/// <summary>
/// The children of the job host. Those that it forked are its workers. Every other child is a process of a job that made itself one by
/// clone(2) with CLONE_PARENT: alive it would outlive its job, and as a zombie it would keep its process id. It is killed and reaped.
/// </summary>
/// <param name="ended">A signalfd(2) of SIGCHLD.</param>
internal sealed class Children(FileDescriptor ended)
{
    /// <summary>The most children that one pass ends, and the most passes at once: a job must not keep the job host busy.</summary>
    private const int Pass = 1024, Passes = 4;

    /// <summary>How long the end of all children is waited for. The daemon kills a job host that takes two seconds.</summary>
    private const int LastMilliseconds = 1500, LastStepMilliseconds = 10;

    private readonly ChildList? list = ChildList.Open();
    private readonly int[] foreign = new int[Pass];
    private readonly byte[] signal = new byte[128];

    /// <summary>Workers that have not been reaped.</summary>
    private readonly HashSet<int> workers = new(256);

    /// <summary>Workers that have not ended, or whose end was not seen yet.</summary>
    private readonly List<ProcessId> running = new(128);

    /// <summary>Workers that the daemon let go before they ended: they are reaped without a word.</summary>
    private readonly List<ProcessId> letGo = new(64);

    /// <summary>Adds a worker that was forked just now.</summary>
    public void Add(ProcessId worker)
    {
        workers.Add(worker.Value);
        running.Add(worker);
    }

    /// <summary>
    /// Reports every worker that ended, and ends children that are not workers. One SIGCHLD may stand for several ends, and zombies that
    /// wait for <see cref="LetGo"/> hide others from a wait for any child: so each worker is asked for.
    /// </summary>
    /// <param name="report">Called for each worker that ended.</param>
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

    /// <summary>The daemon is done with a worker: it is reaped now, or when it ends.</summary>
    public void LetGo(ProcessId worker)
    {
        // The job's other children of the job host end before the worker's process id is free.
        EndForeign();
        running.Remove(worker);
        if (Libc.reap(worker) is null)
            letGo.Add(worker);
        else
            workers.Remove(worker.Value);
    }

    /// <summary>Ends children that are not workers. No signal reports a living one, so this is called from time to time.</summary>
    public void EndForeign()
    {
        if (list is null)
            ReapForeign();
        else
            KillForeign(list);
    }

    /// <summary>
    /// Kills all children. Where the daemon is gone none is left behind, not even as a zombie. Where it lives they are not reaped here: the
    /// daemon inherits them, and ends what is left of their groups while their numbers are still their own.
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

        // From here on every child is ended and reaped, including workers that the daemon knows to have ended and did not let go.
        workers.Clear();
        long begun = Environment.TickCount64;
        while ((list is null ? ReapForeign() : KillForeign(list)) && Environment.TickCount64 - begun < LastMilliseconds)
        {
            if (Libc.poll_readable(ended, LastStepMilliseconds))
                _ = Libc.read(ended, signal);
        }
    }

    /// <summary>Returns whether some are left. Only this thread reaps children, so a child's process id stays its own.</summary>
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

    /// <summary>
    /// Without the kernel's list, zombies are found unless an older zombie of a worker hides them; the daemon finds living children.
    /// Returns false, since it is unknown whether some are left.
    /// </summary>
    private bool ReapForeign()
    {
        for (int i = 0; i < Pass * Passes && Libc.peek_any_ended() is { } child && !workers.Contains(child.Pid.Value); i++)
            Libc.reap(child.Pid);
        return false;
    }
}
