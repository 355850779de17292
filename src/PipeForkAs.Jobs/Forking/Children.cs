using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Forking;

/// <summary>
/// The children of the job host. Those that it forked are its workers. Every other child is a process of a job that made itself one by
/// clone(2) with CLONE_PARENT: alive it would outlive its job, and as a zombie keep a process id for ever. It is killed and reaped.
/// </summary>
/// <param name="self">This process.</param>
/// <param name="ended">A signalfd(2) of SIGCHLD.</param>
internal sealed class Children(ProcessId self, FileDescriptor ended)
{
    /// <summary>So many children of others are ended in one pass, and so many passes are made at once: a job must not keep the job host from its work.</summary>
    private const int Pass = 1024, Passes = 4;

    /// <summary>How long the end of all children is waited for. The daemon kills a job host that takes two seconds.</summary>
    private const int LastMilliseconds = 1500, LastStepMilliseconds = 10;

    private readonly ChildList? list = ChildList.Open(self);
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
    /// Tells of every worker that ended, and ends children that are not workers. One SIGCHLD may stand for several, and zombies that
    /// wait for <see cref="LetGo"/> hide others from a wait for any child: so each worker is asked for.
    /// </summary>
    /// <param name="tell">Is told.</param>
    public void TakeEnded(Action<EndedChild> tell)
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
            tell(child);
        }

        EndForeign();
    }

    /// <summary>The daemon is done with a worker: it is reaped now, or when it ends.</summary>
    public void LetGo(ProcessId worker)
    {
        // What its job made children of the job host ends before the worker's own number is free.
        EndForeign();
        running.Remove(worker);
        if (Libc.reap(worker) is null)
            letGo.Add(worker);
        else
            workers.Remove(worker.Value);
    }

    /// <summary>Ends children that are not workers. No signal tells of one that lives: it is to be called now and then.</summary>
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

        // From here on no child is a worker: not even those that the daemon was told of, and did not let go any more.
        workers.Clear();
        long begun = Environment.TickCount64;
        while ((list is null ? ReapForeign() : KillForeign(list)) && Environment.TickCount64 - begun < LastMilliseconds)
        {
            if (Libc.poll_readable(ended, LastStepMilliseconds))
                _ = Libc.read(ended, signal);
        }
    }

    /// <summary>Returns whether some live on. A child has its number until it is reaped, which nobody does but this thread.</summary>
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
    /// Without the kernel's list, those that have ended are found as far as no worker that ended hides them; the daemon finds those that live.
    /// Returns false: nobody knows whether some do.
    /// </summary>
    private bool ReapForeign()
    {
        for (int i = 0; i < Pass * Passes && Libc.peek_any_ended() is { } child && !workers.Contains(child.Pid.Value); i++)
            Libc.reap(child.Pid);
        return false;
    }
}
