using System.Text.Json;
using Microsoft.Extensions.Configuration;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>One file of the configuration, and what in it nobody would act upon.</summary>
internal sealed class ConfigurationFile
{
    private readonly Dictionary<string, string?> values;
    private readonly IReadOnlySet<string> sections;

    private ConfigurationFile(string path, IConfigurationRoot root)
    {
        Path = path;
        values = root.AsEnumerable().ToDictionary(StringComparer.OrdinalIgnoreCase);
        sections = Sections(values.Keys);
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>What it says.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Values => values;

    /// <summary>The lists that it has entries of.</summary>
    public IEnumerable<string> Lists => values.Keys.Select(KnownKeys.ListOf).OfType<string>().Distinct(StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads a file.</summary>
    /// <exception cref="ConfigurationException">It cannot be read, or is no JSON object.</exception>
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
    public static ConfigurationFile Parse(string path, byte[] content)
    {
        try
        {
            using var stream = new MemoryStream(content);
            return new ConfigurationFile(path, new ConfigurationBuilder().AddJsonStream(stream).Build());
        }
        catch (JsonException failure)
        {
            throw new ConfigurationException($"{path}: {Place(failure)}");
        }
        catch (Exception failure) when (failure is FormatException or IOException)
        {
            throw new ConfigurationException($"{path}: {failure.Message}");
        }
        catch (InvalidOperationException failure)
        {
            // The reader's word for bytes, or half a surrogate pair, that are no text.
            throw new ConfigurationException($"{path}: holds text that is not valid Unicode: {failure.Message}");
        }
    }

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
    public bool Holds(string key) => values.ContainsKey(key);

    /// <summary>Keys that nobody reads, and values that cannot be meant.</summary>
    public IEnumerable<string> Problems()
    {
        foreach ((string key, string? value) in values)
        {
            if (ProblemOf(key, value) is { } problem)
                yield return $"{Path}: {key}: {problem}";
        }
    }

    /// <summary>The reader counts lines and bytes from 0, an editor from 1.</summary>
    private static string Place(JsonException failure)
    {
        int place = failure.Message.IndexOf(" LineNumber: ", StringComparison.Ordinal);
        return failure.LineNumber is { } line && failure.BytePositionInLine is { } position && place > 0
            ? $"line {line + 1}, byte {position + 1}: {failure.Message[..place]}"
            : failure.Message;
    }

    private string? ProblemOf(string key, string? value)
    {
        if (KnownKeys.IsOthers(key))
            return null;
        if (KnownKeys.Contains(key))
        {
            if (sections.Contains(key))
                return "must be one value, not an object or a list";
            if (value is null)
                return KnownKeys.MayBeNull(key) ? null : "must not be null or empty; leave it out for its default";

            // The binder takes an empty value for none: a Mode of "" would be the default's 0666.
            if (value.Length == 0)
                return KnownKeys.MayBeEmpty(key) ? null : "must not be null or empty; leave it out for its default";
            return KnownKeys.IsTime(key) && !value.Contains(':', StringComparison.Ordinal)
                ? $"must be a time as hours, minutes and seconds: 00:00:30; \"{value}\" would be days"
                : null;
        }

        if (KnownKeys.ContainsSection(key))
            return string.IsNullOrEmpty(value) ? null : "must be an object or a list, not one value";
        if (key.LastIndexOf(':') is > 0 and int end && KnownKeys.Contains(key[..end]))
            return null; // Told of where it hangs.
        if (sections.Contains(key))
            return null; // Told of with what is in it.
        return KnownKeys.Nearest(key) is { } nearest ? $"unknown key; is \"{nearest}\" meant?" : "unknown key";
    }
}
