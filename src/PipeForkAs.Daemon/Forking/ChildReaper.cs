using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// Reaps the daemon's children: job hosts, and what is left of workers whose job host died (the daemon is a subreaper; prctl(2)).
/// Until a child is reaped its process id cannot be taken by another: whoever still means to signal by it does so before.
/// </summary>
/// <param name="onFailure">Told of an exception that a callback let go; the other children are reaped all the same.</param>
internal sealed class ChildReaper(Action<Exception> onFailure)
{
    private readonly Dictionary<int, Action<EndedChild>> known = [];

    /// <summary>Calls back, once, before a child is reaped.</summary>
    public void Register(ProcessId pid, Action<EndedChild> beforeReap) => known[pid.Value] = beforeReap;

    /// <summary>Forgets a process that somebody else reaps.</summary>
    public void Forget(ProcessId pid) => known.Remove(pid.Value);

    /// <summary>Whether a process is one of those that were registered.</summary>
    public bool IsRegistered(ProcessId pid) => known.ContainsKey(pid.Value);

    /// <summary>Reaps all children that have ended. Called on the loop at SIGCHLD, one of which may stand for several.</summary>
    public void Sweep()
    {
        while (Libc.peek_any_ended() is { } child)
        {
            try
            {
                if (known.Remove(child.Pid.Value, out Action<EndedChild>? callback))
                    callback(child);
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
    }
}
