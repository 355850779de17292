namespace PipeForkAs.Daemon.Reloading;

/// <summary>Tells which keys of the configuration a reload has changed.</summary>
internal static class ChangedKeys
{
    /// <summary>More keys of one section are counted and not named: a new list of rules has dozens.</summary>
    private const int MostNamed = 4;

    /// <summary>The keys in their order; where there are many of a section, the section and how many.</summary>
    public static IEnumerable<string> Summary(IEnumerable<string> keys) =>
        keys.GroupBy(SectionOf, StringComparer.OrdinalIgnoreCase)
            .SelectMany(section => section.Count() > MostNamed ? [$"{section.Key} ({section.Count()} keys)"] : section.AsEnumerable());

    private static string SectionOf(string key)
    {
        string[] parts = key.Split(':');
        return string.Join(':', parts.Take(2));
    }
}
