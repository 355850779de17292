using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>Chooses how the daemon keeps the processes of a job together, and logs the choice once.</summary>
internal static class IsolationChoice
{
    /// <summary>
    /// Chooses control groups if the daemon may use them: systemd delegated the daemon's group, or the configuration requires them. A group
    /// that was not delegated belongs to systemd, which can move or remove what other programs put there.
    /// </summary>
    /// <param name="loop">The loop.</param>
    /// <param name="options">The configuration.</param>
    /// <param name="reaper">Knows the daemon's own processes and the workers.</param>
    /// <param name="shared">The control group of a former daemon that still lives; null for none.</param>
    /// <param name="generation">The number of this daemon; 1 if there is no former one.</param>
    /// <param name="logger">The log.</param>
    /// <exception cref="IsolationException">The configuration requires what the system does not have.</exception>
    public static JobIsolation Make(
        Loop loop, DaemonOptions options, ChildReaper reaper, CgroupOffer? shared, int generation, ILogger logger)
    {
        string reason = "Limits:Cgroup is off";
        bool required = options.Limits.Cgroup == "required";
        if (options.Limits.Cgroup != "off")
        {
            try
            {
                if (shared is not null)
                    return LogChoice(CgroupIsolation.TakeShared(loop, reaper, shared, generation, logger), logger);
                string own = OwnCgroup.Find()
                    ?? throw new IsolationException("no control group of version 2 is mounted where the daemon can see its own");
                bool delegated = CgroupIsolation.IsDelegated(own);
                if (delegated || required)
                {
                    string? name = delegated ? null : OwnCgroup.NameFor(options.Socket.Path);
                    return LogChoice(CgroupIsolation.Take(loop, reaper, own, name, logger), logger);
                }

                reason = $"systemd delegates no control group to the daemon ({own}); set Delegate=yes in its unit, or Limits:Cgroup";
            }
            catch (Exception failure) when (failure is IsolationException or SystemCallException)
            {
                if (required)
                    throw new IsolationException($"Limits:Cgroup is required: {failure.Message}", failure);
                reason = failure.Message;
            }
        }

        Log.NoCgroups(logger, reason);
        return new SweepIsolation(loop, reaper, logger);
    }

    private static CgroupIsolation LogChoice(CgroupIsolation cgroups, ILogger logger)
    {
        Log.CgroupsUsed(
            logger, cgroups.Root,
            cgroups.Controllers.Count == 0 ? "no controller" : string.Join(", ", cgroups.Controllers.Order(StringComparer.Ordinal)));
        return cgroups;
    }
}
