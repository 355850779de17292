using PipeForkAs.Daemon.Configuration;


namespace PipeForkAs.Daemon.Reloading;

/// <summary>What a reload changes.</summary>
internal interface IReloadable
{
    /// <summary>Lets a new daemon take over where the executable was replaced: it reads the configuration itself. On the loop.</summary>
    /// <returns>What changed; null where it was not replaced.</returns>
    /// <exception cref="Upgrading.UpgradeException">The new daemon cannot serve; this one goes on as before.</exception>
    Task<string?> UpgradeAsync();

    /// <summary>Applies a configuration that was read and checked, all of it or none. On the loop.</summary>
    /// <param name="fresh">The configuration.</param>
    /// <returns>What else changed, one item each.</returns>
    /// <exception cref="Forking.JobHostException">A job host cannot serve, or a name is taken twice; nothing was changed.</exception>
    /// <exception cref="ConfigurationException">Something that the configuration names cannot be used; nothing was changed.</exception>
    Task<IReadOnlyList<string>> ApplyAsync(Reloaded fresh);
}
