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
/// Starts a new daemon if the executable was replaced, and lets it take over. The new daemon gets the listening socket, and the service
/// manager learns that the new daemon is the main process of the service. This daemon then accepts no more connections, and ends with its
/// last job. Used on the loop.
/// </summary>
/// <param name="executable">The executable of this process.</param>
/// <param name="predecessor">The former daemon from which this one takes over; null if there is none.</param>
/// <param name="notifier">The service manager.</param>
/// <param name="lifetime">Stops this daemon once another daemon serves.</param>
internal sealed class Upgrade(
    OwnExecutable executable, Predecessor? predecessor, ServiceNotifier notifier, IHostApplicationLifetime lifetime)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>The number of notifications about the new process to the service manager; they take 10 s in total.</summary>
    private const int Attempts = 200;

    /// <summary>The former daemon from which this one takes over; null if there is none.</summary>
    public Predecessor? Predecessor => predecessor;

    /// <summary>The generation of this daemon; 1 if there is no former daemon.</summary>
    public int Generation => predecessor?.Offer.Generation ?? 1;

    /// <summary>Whether another daemon serves in place of this one.</summary>
    public bool IsHandedOver { get; private set; }

    /// <summary>
    /// Returns whether the executable was replaced and another daemon can take over. If none can take over, logs the reason.
    /// </summary>
    /// <param name="hasCgroups">Whether jobs have control groups.</param>
    /// <param name="logger">The log.</param>
    /// <exception cref="UpgradeException">The executable is missing, or users other than root could have written it.</exception>
    public bool IsDue(bool hasCgroups, ILogger logger)
    {
        if (!executable.IsReplaced())
            return false;
        string? lack = !notifier.IsEnabled ? "systemd's notification socket (NOTIFY_SOCKET)"
            : !hasCgroups ? "control groups for jobs (Limits:Cgroup)" : null;
        if (lack is not null)
            Log.UpgradeImpossible(logger, executable.Path, lack);
        return lack is null;
    }

    /// <summary>Starts a new daemon, and lets it serve when it is ready.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="reaper">Reaps the process that starts the new daemon.</param>
    /// <param name="listener">The listening socket.</param>
    /// <param name="cgroup">The control group that both daemons use.</param>
    /// <param name="owner">Provides what the new daemon requests.</param>
    /// <param name="logger">The log.</param>
    /// <returns>The process id of the new daemon.</returns>
    /// <exception cref="UpgradeException">The new daemon cannot serve. This daemon continues as before.</exception>
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
                throw new UpgradeException("the new daemon exited when it began to serve");
            if (owner.IsStopping)
                throw new UpgradeException("the daemon is stopping");
            if (notifier.HandOver(successor.Pid))
                return;
            await loop.DelayAsync(Pause);
        }

        throw new UpgradeException("systemd did not read the notification of the new main process");
    }
}
