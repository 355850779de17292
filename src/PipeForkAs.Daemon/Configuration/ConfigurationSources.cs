namespace PipeForkAs.Daemon.Configuration;

/// <summary>The files that contain the keys of a configuration.</summary>
/// <param name="parts">The files; later ones override earlier ones.</param>
internal sealed class ConfigurationSources(IReadOnlyList<ConfigurationFile> parts)
{
    /// <summary>No files.</summary>
    public static readonly ConfigurationSources None = new([]);

    /// <summary>Returns the file whose value of a key is in effect, or the file of the section that lacks the key.</summary>
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

    /// <summary>Returns a problem with its file and key.</summary>
    public string Line(string key, string problem) => $"{FileOf(key)}: {key}: {problem}";
}
