using Microsoft.Extensions.Configuration;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Files;

namespace PipeForkAs.Daemon.Loading;

/// <summary>Reads the configuration files, and rejects entries that would have no effect.</summary>
internal static class ConfigurationFiles
{
    private const string MainFile = "/etc/pipeforkas/pipeforkas.json";
    private const string Folder = "/etc/pipeforkas/conf.d";

    /// <summary>Returns the files; later ones override earlier ones. Without files, the defaults work.</summary>
    /// <param name="chosen">The file that <c>--config</c> names, which replaces all others; null for none.</param>
    public static IReadOnlyList<string> Find(string? chosen)
    {
        if (chosen is not null)
            return [Path.GetFullPath(chosen)];

        var files = new List<string>();
        if (File.Exists(MainFile))
            files.Add(MainFile);
        if (Directory.Exists(Folder))
            files.AddRange(Directory.GetFiles(Folder, "*.json").Order(StringComparer.Ordinal));
        return files;
    }

    /// <summary>Reads and checks the files.</summary>
    /// <exception cref="ConfigurationException">A file, a key or a value has a problem.</exception>
    public static LoadedConfiguration Load(IReadOnlyList<string> files)
    {
        var problems = new List<string>();
        foreach (string file in files)
        {
            if (TrustedFile.Problem(file) is { } problem)
                problems.Add(TrustedFile.Line(file, problem));
        }

        if (problems.Count > 0)
            throw new ConfigurationException(problems);

        return Merge([.. files.Select(ConfigurationFile.Read)]);
    }

    /// <summary>Checks the parts; later files override earlier ones.</summary>
    /// <exception cref="ConfigurationException">A file, a key or a value has a problem.</exception>
    public static LoadedConfiguration Merge(IReadOnlyList<ConfigurationFile> parts)
    {
        List<string> problems = [.. parts.SelectMany(part => part.Problems())];
        problems.AddRange(MixedLists(parts));
        if (problems.Count > 0)
            throw new ConfigurationException(problems);

        IConfigurationRoot root = new ConfigurationBuilder().Add(new IndexedValues(parts.SelectMany(part => part.Values))).Build();
        DaemonOptions options = Bind(root, parts);
        foreach ((string key, string problem) in OptionsCheck.Problems(options))
            problems.Add(options.Sources.Line(key, problem));
        return problems.Count == 0 ? new LoadedConfiguration(options, root) : throw new ConfigurationException(problems);
    }

    private static DaemonOptions Bind(IConfigurationRoot root, IReadOnlyList<ConfigurationFile> parts)
    {
        var options = new DaemonOptions { Sources = new ConfigurationSources(parts) };
        root.Bind(options);
        KeepEmptyTexts(root, options);

        // An empty list of rules denies every request; it must not turn into the built-in rules.
        if (options.Policy.Rules is null or { Count: 0 })
            options.Policy.Rules = parts.Any(part => part.Holds("Policy:Rules")) ? [] : null;
        if (options.JobHosts.Count == 0)
            options.JobHosts.Add(new JobHostOptions());
        return options;
    }

    /// <summary>
    /// Restores empty texts, which the binder omits: otherwise an empty word of a command line would be missing, and the later words would
    /// move up.
    /// </summary>
    private static void KeepEmptyTexts(IConfigurationRoot root, DaemonOptions options)
    {
        foreach ((string name, CommandOptions command) in options.Commands)
        {
            IConfigurationSection section = root.GetSection($"Commands:{name}");
            command.Command = [.. section.GetSection("Command").GetChildren().Select(word => word.Value ?? "")];
            foreach ((string parameter, ParameterOptions value) in command.Parameters)
                value.Default ??= section[$"Parameters:{parameter}:Default"];
        }

        IList<RuleOptions> rules = options.Policy.Rules ?? [];
        for (int i = 0; i < rules.Count; i++)
        {
            foreach ((string argument, ConditionOptions condition) in rules[i].Where)
            {
                IConfigurationSection section = root.GetSection($"Policy:Rules:{i}:Where:{argument}");
                condition.EqualTo ??= section["Equals"];
                if (condition.OneOf is not null)
                    condition.OneOf = [.. section.GetSection("OneOf").GetChildren().Select(word => word.Value ?? "")];
            }
        }
    }

    /// <summary>
    /// Returns lists that are in two files. The merge would mix them entry by entry: a command line with the program of one file and the
    /// arguments of another.
    /// </summary>
    private static IEnumerable<string> MixedLists(IReadOnlyList<ConfigurationFile> parts)
    {
        var seen = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (ConfigurationFile part in parts)
        {
            foreach (string list in part.Lists)
            {
                if (!seen.TryAdd(list, part.Path))
                    yield return $"{part.Path}: {list}: is also in {seen[list]}; write a list in only one file";
            }
        }
    }
}

/// <summary>A configuration that was read and checked.</summary>
/// <param name="Options">The options.</param>
/// <param name="Root">The same configuration by keys.</param>
internal sealed record LoadedConfiguration(DaemonOptions Options, IConfigurationRoot Root);
