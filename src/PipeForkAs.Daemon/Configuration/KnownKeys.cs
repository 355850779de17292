namespace PipeForkAs.Daemon.Configuration;

/// <summary>The keys that a configuration may have. A key that nobody reads would be a limit or a rule that nobody keeps.</summary>
internal static class KnownKeys
{
    /// <summary>'#' stands for an entry's position, '*' for a name of the administrator's choice.</summary>
    private static readonly string[] Patterns =
    [
        "Socket:Path", "Socket:Mode",
        "JobHosts:#:Path", "JobHosts:#:Workers",
        "Commands:*:Description", "Commands:*:Command:#", "Commands:*:Timeout", "Commands:*:Env:#",
        "Commands:*:Parameters:*:Type", "Commands:*:Parameters:*:Description", "Commands:*:Parameters:*:Pattern",
        "Commands:*:Parameters:*:Default", "Commands:*:Parameters:*:AllowLeadingDash",
        "Policy:MinimumUid",
        "Limits:MaxConnections", "Limits:MaxConnectionsPerUid", "Limits:RequestTimeout", "Limits:LookupTimeout", "Limits:LookupCacheTime",
        "Limits:MaxJobs", "Limits:MaxJobsPerUid", "Limits:JobTimeout", "Limits:KillGrace", "Limits:DrainTimeout",
        "Limits:Worker:OpenFiles", "Limits:Worker:CpuSeconds", "Limits:Worker:FileSize", "Limits:Worker:Umask", "Limits:Worker:Nice",
        "Logging:**",
    ];

    /// <summary>Whether a key is one of these, or a section on the way to one (an empty object or list).</summary>
    public static bool Contains(string key) => Array.Exists(Patterns, pattern => Matches(pattern, key, sectionsToo: false));

    /// <summary>Whether a key is a section on the way to a known one.</summary>
    public static bool ContainsSection(string key) => Array.Exists(Patterns, pattern => Matches(pattern, key, sectionsToo: true));

    /// <summary>The known key that a mistyped one is nearest to, or null.</summary>
    public static string? Nearest(string key)
    {
        string last = key[(key.LastIndexOf(':') + 1)..];
        string? best = null;
        int bestDistance = Math.Max(2, last.Length / 3) + 1;
        foreach (string pattern in Patterns)
        {
            string name = pattern[(pattern.LastIndexOf(':') + 1)..];
            int distance = Distance(name, last);
            if (distance < bestDistance)
            {
                bestDistance = distance;
                best = name;
            }
        }

        return best;
    }

    private static bool Matches(string pattern, string key, bool sectionsToo)
    {
        string[] wanted = pattern.Split(':');
        string[] parts = key.Split(':');
        for (int i = 0; i < parts.Length; i++)
        {
            if (i >= wanted.Length)
                return false;
            if (wanted[i] == "**")
                return true;
            bool same = wanted[i] switch
            {
                "*" => true,
                "#" => parts[i].Length > 0 && parts[i].AsSpan().IndexOfAnyExceptInRange('0', '9') < 0,
                _ => string.Equals(wanted[i], parts[i], StringComparison.OrdinalIgnoreCase),
            };
            if (!same)
                return false;
        }

        return sectionsToo ? parts.Length < wanted.Length : parts.Length == wanted.Length;
    }

    /// <summary>Levenshtein's distance: how many letters must change.</summary>
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
