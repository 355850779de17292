namespace PipeForkAs.Daemon.Configuration;

/// <summary>Finds the known key that is meant by a mistyped one.</summary>
internal static class NearestKey
{
    /// <summary>
    /// Returns the name that is nearest to a mistyped one: at the place where the known part ends, or the same name elsewhere. Null for
    /// none.
    /// </summary>
    /// <param name="known">The known keys. Of equally near ones, the first one counts.</param>
    /// <param name="mistyped">The unknown key.</param>
    public static string? Of(KnownKey[] known, string mistyped)
    {
        string[] parts = mistyped.Split(':');
        KnownKey[] candidates = known;
        for (int depth = 0; depth < parts.Length; depth++)
        {
            string part = parts[depth];
            KnownKey[] further =
                [.. candidates.Where(key => depth < key.Parts.Length && KnownKey.SamePart(key.Parts[depth], part))];
            if (further.Length == 0)
                return NearestOf(candidates.Where(key => depth < key.Parts.Length).Select(key => key.Parts[depth]), part)
                    ?? Array.Find(known, key => string.Equals(key.Parts[^1], parts[^1], StringComparison.OrdinalIgnoreCase))?.Pattern;
            candidates = further;
        }

        return null;
    }

    private static string? NearestOf(IEnumerable<string> names, string mistyped) => names
        .Where(name => name is not ("*" or "#" or "**"))
        .Select(name => (Name: name, Distance: Distance(name, mistyped)))
        .Where(candidate => candidate.Distance <= Math.Max(2, mistyped.Length / 3))
        .OrderBy(candidate => candidate.Distance)
        .FirstOrDefault().Name;

    /// <summary>The Levenshtein distance: the number of letters that must change.</summary>
    private static int Distance(string a, string b)
    {
        var row = new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++)
            row[j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int cost = char.ToUpperInvariant(a[i - 1]) == char.ToUpperInvariant(b[j - 1]) ? 0 : 1;
                int value = Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + cost);
                diagonal = row[j];
                row[j] = value;
            }
        }

        return row[b.Length];
    }
}
