using Microsoft.Extensions.Configuration;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Commands;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Loading;

namespace PipeForkAs.Daemon.Reloading;

/// <summary>
/// Reads the configuration anew while the daemon runs. What cannot change then is refused, and with it all of the change.
/// </summary>
/// <param name="chosen">The file that <c>--config</c> names; null for the usual ones.</param>
/// <param name="current">What holds now.</param>
/// <param name="lookUps">Looks up the names that the policy's rules use.</param>
internal sealed class Reloader(string? chosen, IConfigurationRoot current, NameLookUps lookUps)
{
    /// <summary>Parts that are made use of when the daemon starts.</summary>
    private static readonly string[] Fixed = ["Socket", "Logging", "Limits:Cgroup"];

    private IConfigurationRoot current = current;

    /// <summary>Looks up the names that the policy's rules use.</summary>
    public NameLookUps LookUps => lookUps;

    /// <summary>Reads and checks everything; waits for the user database, within limits.</summary>
    /// <exception cref="ConfigurationException">Something is wrong, or changed what cannot change.</exception>
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

    /// <summary>The keys whose values differ, in order.</summary>
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

    /// <summary>Values, and lists that are written out and empty; not the sections above values.</summary>
    private static Dictionary<string, string?> Values(IConfigurationRoot root)
    {
        KeyValuePair<string, string?>[] all = [.. root.AsEnumerable()];
        IReadOnlySet<string> sections = ConfigurationFile.Sections(all.Select(entry => entry.Key));
        return all.Where(entry => !sections.Contains(entry.Key)).ToDictionary(StringComparer.OrdinalIgnoreCase);
    }

    private static bool IsFixed(string key) => Array.Exists(Fixed, part =>
        string.Equals(key, part, StringComparison.OrdinalIgnoreCase) || key.StartsWith(part + ":", StringComparison.OrdinalIgnoreCase));
}

/// <summary>A configuration that may be gone by from now on.</summary>
/// <param name="Options">It.</param>
/// <param name="Policy">Its policy, with what the user database said of its names.</param>
/// <param name="Commands">Its commands.</param>
/// <param name="Changed">The keys that differ.</param>
/// <param name="Commit">To be called when it holds: the next change is one of this.</param>
internal sealed record Reloaded(
    DaemonOptions Options, ResolvedPolicy Policy, IReadOnlyList<CommandJob> Commands, IReadOnlyList<string> Changed, Action Commit);
