using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Reloading;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Hosting;

/// <summary>What a reload changes of the daemon.</summary>
internal sealed class ReloadTarget(DaemonParts parts) : IReloadable
{
    private Lifecycle Lifecycle => parts.Lifecycle;

    /// <summary>
    /// Applies another policy, other limits, other job hosts, other commands and other restrictions from now on, all of them or none. What
    /// runs keeps what it was granted: a request is decided by one policy, and its job's order and deadline were made when it began.
    /// Completes when the log has the policy's warnings; all else is done at once.
    /// </summary>
    public async Task<IReadOnlyList<string>> ApplyAsync(Reloaded fresh)
    {
        using Audit.Change auditing = await parts.Audit.PrepareAsync(fresh.Options.Audit);
        await using JobHosts.Change hosting = await parts.Hosts.PrepareAsync(fresh.Options.JobHosts);
        if (Lifecycle.IsStopping)
            throw new JobHostException("the daemon is stopping");
        parts.Catalog.Replace(hosting.Hosts, fresh.Commands, fresh.Options.Jobs);
        hosting.Commit();
        auditing.Commit();
        parts.Configuration.Replace(fresh.Options);
        parts.Slots.ServeWaiting();
        parts.Connections.Reevaluate();
        parts.Policies.Apply(fresh.Policy, fresh.Options.Sources);
        await parts.Policies.LogWarningsAsync();
        return [.. hosting.Items];
    }

    /// <inheritdoc/>
    public async Task<string?> UpgradeAsync()
    {
        DaemonContext context = parts.Context;
        CgroupOffer? cgroup = (Lifecycle.Isolation as CgroupIsolation)?.Offer;
        if (Lifecycle.Acceptor is not { } acceptor || !context.Upgrade.IsDue(cgroup is not null, context.Logger))
            return null;
        ProcessId pid = await context.Upgrade.RunAsync(
            context.Loop, parts.Reaper, acceptor.Listener, cgroup!, new SuccessorSupport(parts), context.Logger);
        Log.HandedOver(context.Logger, pid.Value, parts.Configuration.Limits.DrainTimeout.TotalSeconds, parts.Connections.Count);
        return $"the daemon, which is process {pid} now";
    }
}
