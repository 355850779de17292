namespace PipeForkAs.Daemon.Configuration;

/// <summary>Where the keys of a configuration stand.</summary>
/// <param name="parts">The files, later ones over earlier ones.</param>
internal sealed class ConfigurationSources(IReadOnlyList<ConfigurationFile> parts)
{
    /// <summary>No file at all.</summary>
    public static readonly ConfigurationSources None = new([]);

    /// <summary>The file whose value of a key counts, or of the section that lacks it.</summary>
    public string FileOf(string key)
    {
        while (key.Length > 0)
        {
            for (int i = parts.Count - 1; i >= 0; i--)
            {
                if (parts[i].Holds(key))
                    return parts[i].Path;
            }

            key = key[..Math.Max(0, key.LastIndexOf(':'))];
        }

        return "the defaults";
    }

    /// <summary>A problem with the file and the key that have it.</summary>
    public string Line(string key, string problem) => $"{FileOf(key)}: {key}: {problem}";
}
