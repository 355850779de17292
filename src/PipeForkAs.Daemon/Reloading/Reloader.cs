using Microsoft.Extensions.Configuration;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Commands;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Loading;

namespace PipeForkAs.Daemon.Reloading;

/// <summary>
/// Reads the configuration again while the daemon runs. Refuses the whole change if it contains a change that requires a restart.
/// </summary>
/// <param name="chosen">The file from <c>--config</c>; null for the default files.</param>
/// <param name="current">The current configuration.</param>
/// <param name="lookUps">Looks up the names in the rules of the policy.</param>
internal sealed class Reloader(string? chosen, IConfigurationRoot current, NameLookUps lookUps)
{
    /// <summary>The parts that the daemon reads only when it starts.</summary>
    private static readonly string[] Fixed = ["Socket", "Logging", "Limits:Cgroup"];

    private IConfigurationRoot current = current;

    /// <summary>Looks up the names in the rules of the policy.</summary>
    public NameLookUps LookUps => lookUps;

    /// <summary>Reads and checks everything. Waits for the user database, within limits.</summary>
    /// <exception cref="ConfigurationException">
    /// The configuration is invalid, or changes a part that cannot change while the daemon runs.
    /// </exception>
    public async Task<Reloaded> LoadAsync()
    {
        LoadedConfiguration loaded = ConfigurationFiles.Load(ConfigurationFiles.Find(chosen));
        IReadOnlyList<string> changed = Changes(current, loaded.Root);
        try
        {
            if (changed.Where(IsFixed).ToArray() is { Length: > 0 } fixedKeys)
                throw new ConfigurationException(fixedKeys.Select(key => (key, "cannot change while the daemon runs; restart it")));
            ResolvedPolicy policy = await ResolvedPolicy.ReadAsync(loaded.Options, lookUps);
            return new Reloaded(loaded.Options, policy, CommandJob.All(loaded.Options), changed, () => current = loaded.Root);
        }
        catch (ConfigurationException refused)
        {
            throw refused.In(loaded.Options.Sources);
        }
    }

    /// <summary>Returns the keys with different values, in order.</summary>
    public static IReadOnlyList<string> Changes(IConfigurationRoot before, IConfigurationRoot after)
    {
        Dictionary<string, string?> old = Values(before), fresh = Values(after);
        return
        [
            .. old.Keys.Union(fresh.Keys, StringComparer.OrdinalIgnoreCase)
                .Where(key => old.ContainsKey(key) != fresh.ContainsKey(key) || old.GetValueOrDefault(key) != fresh.GetValueOrDefault(key))
                .Order(ConfigurationKeyComparer.Instance),
        ];
    }

    /// <summary>Returns the values and the explicitly empty lists, without the sections that contain values.</summary>
    private static Dictionary<string, string?> Values(IConfigurationRoot root)
    {
        KeyValuePair<string, string?>[] all = [.. root.AsEnumerable()];
        IReadOnlySet<string> sections = ConfigurationFile.Sections(all.Select(entry => entry.Key));
        return all.Where(entry => !sections.Contains(entry.Key)).ToDictionary(StringComparer.OrdinalIgnoreCase);
    }

    private static bool IsFixed(string key) => Array.Exists(Fixed, part =>
        string.Equals(key, part, StringComparison.OrdinalIgnoreCase) || key.StartsWith(part + ":", StringComparison.OrdinalIgnoreCase));
}

/// <summary>A validated configuration, ready to apply.</summary>
/// <param name="Options">The options.</param>
/// <param name="Policy">The policy, with the ids that the user database returned for its names.</param>
/// <param name="Commands">The commands.</param>
/// <param name="Changed">The keys with different values.</param>
/// <param name="Commit">Must be called when the configuration applies. The next reload compares with this configuration.</param>
internal sealed record Reloaded(
    DaemonOptions Options, ResolvedPolicy Policy, IReadOnlyList<CommandJob> Commands, IReadOnlyList<string> Changed, Action Commit);
