using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.Daemon.Systemd;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>
/// Starts a new daemon where the executable was replaced, and lets it take over: it gets the listening socket, and the service manager
/// learns that it is the service's main process. This daemon accepts no more then, and ends with its last job. On the loop.
/// </summary>
/// <param name="executable">The executable of this process.</param>
/// <param name="predecessor">A former daemon, from which this one takes over; null for none.</param>
/// <param name="notifier">The service manager.</param>
/// <param name="lifetime">Is asked to stop once another daemon serves.</param>
internal sealed class Upgrade(
    OwnExecutable executable, Predecessor? predecessor, ServiceNotifier notifier, IHostApplicationLifetime lifetime)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>How often the service manager is told of a new process: for 10 s.</summary>
    private const int Attempts = 200;

    /// <summary>A former daemon, from which this one takes over; null for none.</summary>
    public Predecessor? Predecessor => predecessor;

    /// <summary>The number of this daemon; 1 where there is no former one.</summary>
    public int Generation => predecessor?.Offer.Generation ?? 1;

    /// <summary>Whether another daemon serves in place of this one.</summary>
    public bool IsHandedOver { get; private set; }

    /// <summary>Whether the executable was replaced, and another daemon can take over; the log says where none can.</summary>
    /// <param name="hasCgroups">Whether jobs have control groups.</param>
    /// <param name="logger">The log.</param>
    /// <exception cref="UpgradeException">The executable is missing, or others than root can have written it.</exception>
    public bool IsDue(bool hasCgroups, ILogger logger)
    {
        if (!executable.IsReplaced())
            return false;
        string? lack = !notifier.IsEnabled ? "a service manager that could be told of a new process (NOTIFY_SOCKET)"
            : !hasCgroups ? "control groups for jobs (Limits:Cgroup)" : null;
        if (lack is not null)
            Log.UpgradeImpossible(logger, executable.Path, lack);
        return lack is null;
    }

    /// <summary>Starts a new daemon, and lets it serve once it can.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="reaper">Reaps the new daemon.</param>
    /// <param name="listener">The listening socket.</param>
    /// <param name="cgroup">The control group that both use.</param>
    /// <param name="owner">What this daemon does for the new one.</param>
    /// <param name="logger">The log.</param>
    /// <returns>The new daemon's process.</returns>
    /// <exception cref="UpgradeException">The new daemon cannot serve. This one goes on as before.</exception>
    public async Task<LibC.ProcessId> RunAsync(
        Loop loop, ChildReaper reaper, SocketListener listener, CgroupOffer cgroup, ISuccessorOwner owner, ILogger logger)
    {
        Log.Upgrading(logger, executable.Path);
        var offer = new Offer(Environment.ProcessId, Generation + 1, listener.MadeFile?.Device, listener.MadeFile?.Inode, cgroup);
        Successor successor = await Successor.StartAsync(loop, reaper, executable.Path, listener.Socket, offer);
        try
        {
            await successor.ReadyAsync();
            await NotifyManagerAsync(loop, successor, owner);
        }
        catch
        {
            successor.Kill();
            successor.Dispose();
            throw;
        }

        IsHandedOver = true;
        successor.Serve(owner);
        lifetime.StopApplication();
        return successor.Pid;
    }

    private async Task NotifyManagerAsync(Loop loop, Successor successor, ISuccessorOwner owner)
    {
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            if (successor.HasEnded)
                throw new UpgradeException("the new daemon ended when it was to serve");
            if (owner.IsStopping)
                throw new UpgradeException("the daemon is stopping");
            if (notifier.HandOver(successor.Pid))
                return;
            await loop.DelayAsync(Pause);
        }

        throw new UpgradeException("the service manager does not read that another process is the service's main one");
    }
}
