using System.Diagnostics;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Processes;

/// <summary>
/// Reaps the daemon's children: job hosts, and leftover workers whose job host died (the daemon is a subreaper; prctl(2)). Until a child is
/// reaped, no other process can have its process id: code that signals by the id must do so before. Other threads can query which processes
/// are registered.
/// </summary>
/// <param name="onFailure">Receives an exception that a callback did not catch; the other children are still reaped.</param>
internal sealed class ChildReaper(Action<Exception> onFailure)
{
    /// <summary>The most children that one turn of the loop reaps. A job chooses how many end at once.</summary>
    public const int MostAtOnce = 64;

    private readonly Lock gate = new();
    private readonly Dictionary<int, Action<EndedChild>> known = [];
    private readonly HashSet<int> jobHosts = [];

    /// <summary>
    /// Forgotten workers that their job host might not have reaped yet, with the timestamps at which they were forgotten.
    /// </summary>
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
    /// <param name="start">Starts and registers the process.</param>
    public T Start<T>(Func<T> start)
    {
        lock (gate)
            return start();
    }

    /// <summary>Registers a callback that runs once, before a child is reaped.</summary>
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
    /// Returns how long ago a worker was forgotten that its job host might not have reaped yet; null if no such worker has that number.
    /// Another process can have the number by now.
    /// </summary>
    public TimeSpan? LetGoSince(ProcessId pid)
    {
        lock (gate)
            return letGo.TryGetValue(pid.Value, out long when) ? Stopwatch.GetElapsedTime(when) : null;
    }

    /// <summary>Drops the forgotten workers that are no longer children of job hosts.</summary>
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
    /// <returns>Whether there might be more.</returns>
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
#pragma warning disable CA1031 // The edge of one child: after any failure, the others must still be reaped.
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
        // A SIGCHLD after this point needs another turn.
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
