using PipeForkAs.Daemon.Configuration;

namespace PipeForkAs.Daemon.Reloading;

/// <summary>What a reload changes.</summary>
internal interface IReloadable
{
    /// <summary>Applies a configuration that was read and checked, all of it or none. On the loop.</summary>
    /// <param name="fresh">The configuration.</param>
    /// <returns>What else changed, one item each.</returns>
    /// <exception cref="Forking.JobHostException">A job host cannot serve, or a name is taken twice; nothing was changed.</exception>
    /// <exception cref="ConfigurationException">Something that the configuration names cannot be used; nothing was changed.</exception>
    Task<IReadOnlyList<string>> ApplyAsync(Reloaded fresh);
}
