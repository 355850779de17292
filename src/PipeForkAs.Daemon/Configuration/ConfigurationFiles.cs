using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Json;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>Reads the configuration's files, and refuses what nobody would act upon.</summary>
internal static class ConfigurationFiles
{
    private const string MainFile = "/etc/pipeforkas/pipeforkas.json";
    private const string Folder = "/etc/pipeforkas/conf.d";

    /// <summary>The files in the order in which later ones override earlier ones. None is a working default.</summary>
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

    /// <summary>Reads and checks them.</summary>
    /// <exception cref="ConfigurationException">Something is wrong with a file, a key or a value.</exception>
    public static (DaemonOptions Options, IConfigurationRoot Root) Load(IReadOnlyList<string> files)
    {
        var problems = new List<string>();
        foreach (string file in files)
        {
            if (TrustedFile.Problem(file) is { } problem)
                problems.Add($"{file}: {problem}");
        }

        if (problems.Count > 0)
            throw new ConfigurationException(problems);

        var builder = new ConfigurationBuilder();
        foreach (string file in files)
            builder.AddJsonFile(file, optional: false, reloadOnChange: false);

        IConfigurationRoot root;
        try
        {
            root = builder.Build();
        }
        catch (InvalidDataException failure)
        {
            throw new ConfigurationException($"{failure.Message} {failure.InnerException?.Message}");
        }

        problems.AddRange(UnknownKeys(root));
        if (problems.Count > 0)
            throw new ConfigurationException(problems);

        DaemonOptions options = Bind(root);
        foreach ((string key, string problem) in OptionsCheck.Problems(options))
            problems.Add($"{FileOf(root, key) ?? "the defaults"}: {key}: {problem}");
        return problems.Count == 0 ? (options, root) : throw new ConfigurationException(problems);
    }

    private static DaemonOptions Bind(IConfigurationRoot root)
    {
        var options = new DaemonOptions();
        try
        {
            root.Bind(options);
        }
        catch (InvalidOperationException failure)
        {
            // The binder's message names the key and the value that it cannot convert.
            string key = failure.Message.Split('\'') is { Length: > 3 } parts ? parts[3] : "";
            throw new ConfigurationException($"{FileOf(root, key) ?? "the configuration"}: {failure.Message}");
        }

        if (options.JobHosts.Count == 0)
            options.JobHosts.Add(new JobHostOptions());
        return options;
    }

    private static IEnumerable<string> UnknownKeys(IConfigurationRoot root)
    {
        foreach ((string key, string? value) in root.AsEnumerable())
        {
            // Sections hold no value of their own: their keys are looked at by themselves. An empty one may stand where a section may.
            if (root.GetSection(key).GetChildren().Any() || KnownKeys.Contains(key) || (string.IsNullOrEmpty(value) && KnownKeys.ContainsSection(key)))
                continue;
            string hint = KnownKeys.Nearest(key) is { } nearest ? $"; is \"{nearest}\" meant?" : "";
            yield return $"{FileOf(root, key)}: {key}: unknown key{hint}";
        }
    }

    /// <summary>The file whose value of a key counts.</summary>
    private static string? FileOf(IConfigurationRoot root, string key)
    {
        foreach (IConfigurationProvider provider in root.Providers.Reverse())
        {
            bool holds = provider.TryGet(key, out _) || provider.GetChildKeys([], key).Any();
            if (holds && provider is JsonConfigurationProvider { Source: { } source })
                return source.FileProvider?.GetFileInfo(source.Path ?? "").PhysicalPath ?? source.Path;
        }

        return null;
    }
}
