using PipeForkAs.Daemon.Files;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>One file of the configuration, and what in it nobody would act upon.</summary>
internal sealed class ConfigurationFile
{
    private readonly Dictionary<string, string?> values;
    private readonly IReadOnlySet<string> sections;

    private ConfigurationFile(string path, Dictionary<string, string?> values)
    {
        Path = path;
        this.values = values;
        sections = Sections(values.Keys);
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>What it says, in the form that options are bound from; what <see cref="Problems"/> tells of as it is written.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Values => values.Select(entry => KeyValuePair.Create<string, string?>(
        entry.Key,
        entry.Value is { Length: > 0 } text && ConfigurationValue.Read(KnownKeys.KindOf(entry.Key), text, out string value) is null
            ? value : entry.Value));

    /// <summary>The lists that it has entries of.</summary>
    public IEnumerable<string> Lists => values.Keys.Select(KnownKeys.ListOf).OfType<string>().Distinct(StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads a file.</summary>
    /// <exception cref="ConfigurationException">It cannot be read, or is not a JSON object.</exception>
    public static ConfigurationFile Read(string path)
    {
        try
        {
            return Parse(path, PlainFile.ReadBytes(path));
        }
        catch (SystemCallException failure)
        {
            throw new ConfigurationException($"{path}: {failure.Message}");
        }
    }

    /// <summary>Reads a file's content.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="content">What it holds.</param>
    /// <exception cref="ConfigurationException">The content is not a JSON object.</exception>
    public static ConfigurationFile Parse(string path, byte[] content) => new(path, ConfigurationJson.Read(path, content));

    /// <summary>The keys that have others below them. To ask the configuration for each key would look through all keys for each.</summary>
    public static IReadOnlySet<string> Sections(IEnumerable<string> keys)
    {
        var sections = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (string key in keys)
        {
            int end = key.LastIndexOf(':');
            while (end > 0 && sections.Add(key[..end]))
                end = key.LastIndexOf(':', end - 1);
        }

        return sections;
    }

    /// <summary>Whether it has a key or a section of that name.</summary>
    public bool Holds(string key) => values.ContainsKey(key) || sections.Contains(key);

    /// <summary>Keys that nobody reads, and values that cannot be meant.</summary>
    public IEnumerable<string> Problems()
    {
        var told = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach ((string key, string? value) in values)
        {
            (string wrong, string? problem) = ProblemOf(key, value);
            if (problem is not null && told.Add(wrong))
                yield return $"{Path}: {wrong}: {problem}";
        }
    }

    /// <summary>What is wrong with a key, or with one above it.</summary>
    private static (string Key, string? Problem) ProblemOf(string key, string? value)
    {
        if (KnownKeys.IsOthers(key))
            return (key, LoggingCheck.Problem(key, value));
        if (KnownKeys.Contains(key))
            return (key, ProblemOfValue(key, value));
        if (KnownKeys.ContainsSection(key))
            return (key, string.IsNullOrEmpty(value) ? null : "must be an object or a list, not one value");
        if (KnownKeys.ListWithNames(key) is { } list)
            return (list, "must be a list, not an object; write [ ... ] around its entries, without names");
        if (KnownKeys.ValueAbove(key) is { } above)
            return (above, "must be one value, not an object or a list");
        return (key, KnownKeys.Nearest(key) is { } nearest ? $"unknown key; is \"{nearest}\" meant?" : "unknown key");
    }

    private static string? ProblemOfValue(string key, string? value)
    {
        if (value is null)
            return KnownKeys.MayBeNull(key) ? null : "must not be null or empty; leave it out for its default";

        // The binder takes an empty value for none: a Mode of "" would be the default's 0666.
        if (value.Length == 0)
            return KnownKeys.MayBeEmpty(key) ? null : "must not be null or empty; leave it out for its default";
        return ConfigurationValue.Read(KnownKeys.KindOf(key), value, out _);
    }
}
