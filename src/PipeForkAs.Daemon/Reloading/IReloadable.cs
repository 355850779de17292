using PipeForkAs.Daemon.Configuration;


namespace PipeForkAs.Daemon.Reloading;

/// <summary>The parts that a reload changes.</summary>
internal interface IReloadable
{
    /// <summary>
    /// Lets a new daemon take over if the executable was replaced. The new daemon reads the configuration itself. Called on the loop.
    /// </summary>
    /// <returns>What changed; null if the executable was not replaced.</returns>
    /// <exception cref="Upgrading.UpgradeException">The new daemon cannot serve; this daemon continues as before.</exception>
    Task<string?> UpgradeAsync();

    /// <summary>Applies a validated configuration, all of it or nothing. Called on the loop.</summary>
    /// <param name="fresh">The configuration.</param>
    /// <returns>The other changes, one item each.</returns>
    /// <exception cref="Forking.JobHostException">A job host cannot serve, or two jobs have the same name; nothing changed.</exception>
    /// <exception cref="ConfigurationException">The daemon cannot use something that the configuration names; nothing changed.</exception>
    Task<IReadOnlyList<string>> ApplyAsync(Reloaded fresh);
}
