using PipeForkAs.Daemon.Files;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>One file of the configuration, and the entries in it that have no effect.</summary>
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

    /// <summary>The path of the file.</summary>
    public string Path { get; }

    /// <summary>
    /// The values of the file, in the form from which options are bound; a value with a problem (<see cref="Problems"/>) is as written.
    /// </summary>
    public IEnumerable<KeyValuePair<string, string?>> Values => values.Select(entry => KeyValuePair.Create<string, string?>(
        entry.Key,
        entry.Value is { Length: > 0 } text && ConfigurationValue.Read(KnownKeys.KindOf(entry.Key), text, out string value) is null
            ? value : entry.Value));

    /// <summary>The lists that have entries in the file.</summary>
    public IEnumerable<string> Lists => values.Keys.Select(KnownKeys.ListOf).OfType<string>().Distinct(StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads a file.</summary>
    /// <exception cref="ConfigurationException">The file cannot be read, or is not a JSON object.</exception>
    public static ConfigurationFile Read(string path)
    {
        try
        {
            return Parse(path, PlainFile.ReadBytes(path));
        }
        catch (SystemCallException failure)
        {
            throw new ConfigurationException(TrustedFile.Line(path, failure.Message));
        }
    }

    /// <summary>Reads the content of a file.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="content">The content of the file.</param>
    /// <exception cref="ConfigurationException">The content is not a JSON object.</exception>
    public static ConfigurationFile Parse(string path, byte[] content) => new(path, ConfigurationJson.Read(path, content));

    /// <summary>
    /// Returns the keys that have other keys below them. A query of the configuration for each key would search all keys each time.
    /// </summary>
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

    /// <summary>Whether the file has a key or a section of that name.</summary>
    public bool Holds(string key) => values.ContainsKey(key) || sections.Contains(key);

    /// <summary>Returns unknown keys, and invalid values.</summary>
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

    /// <summary>Returns the problem of a key, or of a key above it.</summary>
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
        return (key, KnownKeys.Nearest(key) is { } nearest ? $"unknown key; did you mean \"{nearest}\"?" : "unknown key");
    }

    private static string? ProblemOfValue(string key, string? value)
    {
        if (value is null)
            return KnownKeys.MayBeNull(key) ? null : "must not be null or empty; remove it to use the default";

        // The binder treats an empty value as missing: a Mode of "" would be the default, 0666.
        if (value.Length == 0)
            return KnownKeys.MayBeEmpty(key) ? null : "must not be null or empty; remove it to use the default";
        return ConfigurationValue.Read(KnownKeys.KindOf(key), value, out _);
    }
}
