using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Logging;

namespace PipeForkAs.Daemon.Hosting;

/// <summary>Puts policies and catalogs of jobs into effect, and logs what looks wrong about them together.</summary>
/// <param name="loop">The loop.</param>
/// <param name="authorizer">Decides by the policy.</param>
/// <param name="names">Looks names of the policy up again.</param>
/// <param name="catalog">The jobs.</param>
/// <param name="logger">The log.</param>
internal sealed class PolicyUpdates(Loop loop, PolicyAuthorizer authorizer, NameWatch names, JobCatalog catalog, ILogger logger)
{
    private readonly PolicyWarnings warnings = new(warning => Log.PolicyDoubted(logger, warning));
    private bool isServing;

    /// <summary>No name is looked up any more.</summary>
    public void End() => names.End();

    /// <summary>Decides by this policy from now on.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="sources">Where the configuration's keys stand.</param>
    public void Apply(ResolvedPolicy policy, ConfigurationSources sources)
    {
        authorizer.Policy = policy.Policy;
        names.Follow(policy, sources);
    }

    /// <summary>All job hosts of the start are there: from now on the catalog follows each of them.</summary>
    public void Serve() => isServing = true;

    /// <summary>A job host became ready, and may hold other jobs than before.</summary>
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

    /// <summary>Logs the policy's warnings; completes when they are logged.</summary>
    public async Task LogWarningsAsync()
    {
        try
        {
            await warnings.LogAsync(authorizer.Policy, [.. catalog.All.Select(job => job.Description)]);
        }
#pragma warning disable CA1031 // Warnings are for the log: what fails about them is logged, and no start or reload fails with it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.LoopBroke(logger, failure);
        }
    }
}
