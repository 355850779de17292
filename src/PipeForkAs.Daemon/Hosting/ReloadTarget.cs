using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Reloading;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Hosting;

/// <summary>The parts of the daemon that a reload changes.</summary>
internal sealed class ReloadTarget(DaemonParts parts) : IReloadable
{
    private Lifecycle Lifecycle => parts.Lifecycle;

    /// <summary>
    /// Applies a policy, limits, job hosts, commands and restrictions, all of them or none. Running jobs keep what the daemon granted them:
    /// one policy decides each request, and the order and the deadline of a job are fixed when it begins. Completes when the warnings of
    /// the policy are logged. All other changes apply at once.
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
        parts.Slots.ServeQueued();
        parts.Connections.Reevaluate();
        parts.Tickets.Reloaded();
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
        return $"the new daemon, process {pid}";
    }
}
