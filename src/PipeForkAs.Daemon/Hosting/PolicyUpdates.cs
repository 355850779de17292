using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Logging;

namespace PipeForkAs.Daemon.Hosting;

/// <summary>Applies policies and job catalogs, and logs warnings about their combination.</summary>
/// <param name="loop">The loop.</param>
/// <param name="current">Holds the policy for new decisions.</param>
/// <param name="names">Looks up the names in the policy at intervals.</param>
/// <param name="catalog">The jobs.</param>
/// <param name="logger">The log.</param>
internal sealed class PolicyUpdates(Loop loop, CurrentPolicy current, NameWatch names, JobCatalog catalog, ILogger logger)
{
    private readonly PolicyWarnings warnings = new(warning => Log.PolicyDoubted(logger, warning));
    private bool isServing;

    /// <summary>Stops looking up names.</summary>
    public void End() => names.End();

    /// <summary>Applies a policy from now on.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="sources">The locations of the configuration keys.</param>
    public void Apply(ResolvedPolicy policy, ConfigurationSources sources)
    {
        current.Policy = policy.Policy;
        names.Follow(policy, sources);
    }

    /// <summary>Marks that all job hosts of the start are ready. From now on, the catalog follows each of them.</summary>
    public void Serve() => isServing = true;

    /// <summary>Updates the catalog after a job host became ready, because its jobs may have changed.</summary>
    public void RefreshCatalog()
    {
        if (!isServing)
            return;
        try
        {
            catalog.Refresh();
            loop.Start(LogWarningsAsync);
        }
        catch (ConfigurationException failure)
        {
            Log.CatalogRefused(logger, failure.Message);
        }
    }

    /// <summary>Logs the warnings of the policy. Completes when they are logged.</summary>
    public async Task LogWarningsAsync()
    {
        try
        {
            await warnings.LogAsync(current.Policy, [.. catalog.All.Select(job => job.Description)]);
        }
#pragma warning disable CA1031 // Warnings are only logged, and so are failures to find them. No start or reload fails because of them.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.LoopBroke(logger, failure);
        }
    }
}
