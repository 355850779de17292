using Microsoft.Extensions.Configuration;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Commands;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>Reads the configuration anew while the daemon runs. What cannot change then is refused, and with it all of the change.</summary>
/// <param name="chosen">The file that <c>--config</c> names; null for the usual ones.</param>
/// <param name="current">What holds now.</param>
internal sealed class Reloader(string? chosen, IConfigurationRoot current)
{
    /// <summary>Parts that are made use of when the daemon starts.</summary>
    private static readonly string[] Fixed = ["Socket", "Logging", "Limits:Cgroup"];

    private IConfigurationRoot current = current;

    /// <summary>Reads and checks everything; may wait for the user database.</summary>
    /// <exception cref="ConfigurationException">Something is wrong, or changed what cannot change.</exception>
    public Reloaded Load()
    {
        IReadOnlyList<string> files = ConfigurationFiles.Find(chosen);
        (DaemonOptions options, IConfigurationRoot root) = ConfigurationFiles.Load(files);
        IReadOnlyList<string> changed = Changes(current, root);
        List<string> problems = [.. changed.Where(IsFixed).Select(key => $"{string.Join(", ", files)}: {key}: cannot change while the daemon runs; restart it")];
        if (problems.Count > 0)
            throw new ConfigurationException(problems);
        Policy policy = PolicyReader.Read(options.Policy, SystemNames.Instance);
        return new Reloaded(options, policy, CommandJob.All(options), changed, () => current = root);
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
/// <param name="Policy">Its policy.</param>
/// <param name="Commands">Its commands.</param>
/// <param name="Changed">The keys that differ.</param>
/// <param name="Keep">To be called when it holds: the next change is one of this.</param>
internal sealed record Reloaded(
    DaemonOptions Options, Policy Policy, IReadOnlyList<CommandJob> Commands, IReadOnlyList<string> Changed, Action Keep);
