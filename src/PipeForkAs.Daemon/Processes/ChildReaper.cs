using System.Diagnostics;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Processes;

/// <summary>
/// Reaps the daemon's children: job hosts, and what is left of workers whose job host died (the daemon is a subreaper; prctl(2)).
/// Until a child is reaped its process id cannot be taken by another: whoever still means to signal by it does so before.
/// Other threads may ask which processes are registered.
/// </summary>
/// <param name="onFailure">Told of an exception that a callback let go; the other children are reaped all the same.</param>
internal sealed class ChildReaper(Action<Exception> onFailure)
{
    /// <summary>The most children that one turn of the loop reaps. A job chooses how many end at once.</summary>
    public const int MostAtOnce = 64;

    private readonly Lock gate = new();
    private readonly Dictionary<int, Action<EndedChild>> known = [];
    private readonly HashSet<int> jobHosts = [];

    /// <summary>Forgotten workers that their job host may not have reaped yet, with the time stamps at which they were forgotten.</summary>
    private readonly Dictionary<int, long> letGo = [];
    private int isAsked;

    /// <summary>The processes that fork workers.</summary>
    public int[] JobHosts
    {
        get
        {
            lock (gate)
                return [.. jobHosts];
        }
    }

    /// <summary>Starts and registers a process. Until both are done, other threads wait in <see cref="IsRegistered"/>.</summary>
    /// <param name="start">Starts and registers it.</param>
    public T Start<T>(Func<T> start)
    {
        lock (gate)
            return start();
    }

    /// <summary>Calls back, once, before a child is reaped.</summary>
    public void Register(ProcessId pid, Action<EndedChild> beforeReap, bool isJobHost = false)
    {
        lock (gate)
        {
            known[pid.Value] = beforeReap;
            letGo.Remove(pid.Value);
            if (isJobHost)
                jobHosts.Add(pid.Value);
        }
    }

    /// <summary>Forgets a worker that its job host reaps.</summary>
    public void Forget(ProcessId pid)
    {
        lock (gate)
        {
            known.Remove(pid.Value);
            letGo[pid.Value] = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>
    /// How long ago a worker was forgotten whose job host may not have reaped it yet; null where there is none of that number. The number
    /// may be another's by now.
    /// </summary>
    public TimeSpan? LetGoSince(ProcessId pid)
    {
        lock (gate)
            return letGo.TryGetValue(pid.Value, out long when) ? Stopwatch.GetElapsedTime(when) : null;
    }

    /// <summary>Forgets for good the workers that are no children of job hosts any more.</summary>
    /// <param name="children">The children of all job hosts.</param>
    public void ForgetReaped(IReadOnlyCollection<int> children)
    {
        lock (gate)
        {
            if (letGo.Count == 0)
                return;
            HashSet<int> there = [.. children];
            foreach (int pid in letGo.Keys)
            {
                if (!there.Contains(pid))
                    letGo.Remove(pid);
            }
        }
    }

    /// <summary>Whether a process is one of those that were registered.</summary>
    public bool IsRegistered(ProcessId pid)
    {
        lock (gate)
            return known.ContainsKey(pid.Value);
    }

    /// <summary>Reaps on the loop, in as many turns as needed. Called at SIGCHLD, from any thread.</summary>
    public void ChildEnded(Loop loop)
    {
        if (Interlocked.Exchange(ref isAsked, 1) == 0)
            loop.Post(_ => SweepInTurns(loop), null);
    }

    /// <summary>Reaps children that have ended, at most <see cref="MostAtOnce"/>.</summary>
    /// <returns>Whether there may be more.</returns>
    public bool Sweep()
    {
        for (int count = 0; count < MostAtOnce; count++)
        {
            if (Libc.peek_any_ended() is not { } child)
                return false;
            try
            {
                Take(child.Pid)?.Invoke(child);
            }
#pragma warning disable CA1031 // One child's edge: whatever it is, the others have ended as well.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                onFailure(failure);
            }
            finally
            {
                Libc.reap(child.Pid);
            }
        }

        return true;
    }

    private void SweepInTurns(Loop loop)
    {
        // A SIGCHLD from here on needs another turn.
        Volatile.Write(ref isAsked, 0);
        if (Sweep())
            ChildEnded(loop);
    }

    private Action<EndedChild>? Take(ProcessId pid)
    {
        lock (gate)
        {
            jobHosts.Remove(pid.Value);
            return known.Remove(pid.Value, out Action<EndedChild>? callback) ? callback : null;
        }
    }
}
