namespace PipeForkAs.Daemon.Reloading;

/// <summary>Summarizes which configuration keys a reload has changed.</summary>
internal static class ChangedKeys
{
    /// <summary>
    /// The maximum number of named keys of one section. Above it the keys are counted, because a new list of rules has dozens of keys.
    /// </summary>
    private const int MostNamed = 4;

    /// <summary>Returns the keys in their order. If a section has too many keys, returns the section and their number.</summary>
    public static IEnumerable<string> Summary(IEnumerable<string> keys) =>
        keys.GroupBy(SectionOf, StringComparer.OrdinalIgnoreCase)
            .SelectMany(section => section.Count() > MostNamed ? [$"{section.Key} ({section.Count()} keys)"] : section.AsEnumerable());

    private static string SectionOf(string key)
    {
        string[] parts = key.Split(':');
        return string.Join(':', parts.Take(2));
    }
}
