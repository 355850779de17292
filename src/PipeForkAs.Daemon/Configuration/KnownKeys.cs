namespace PipeForkAs.Daemon.Configuration;

/// <summary>The known keys of a configuration. An unknown key could be a limit or a rule that has no effect.</summary>
internal static class KnownKeys
{
    /// <summary>'#' is the position of an entry, '*' is a name that the administrator chooses.</summary>
    private static readonly string[] Patterns =
    [
        "Socket:Path", "Socket:Mode", "Socket:DescriptorCheck",
        "JobHosts:#:Path", "JobHosts:#:Workers", "JobHosts:#:MaxWorkers", "JobHosts:#:Processes",
        "Commands:*:Description", "Commands:*:Command:#", "Commands:*:Timeout", "Commands:*:Env:#", "Commands:*:UnsafeEnv:#",
        "Commands:*:Parameters:*:Type", "Commands:*:Parameters:*:Description", "Commands:*:Parameters:*:Pattern",
        "Commands:*:Parameters:*:MaxLength", "Commands:*:Parameters:*:Default", "Commands:*:Parameters:*:AllowLeadingDash",
        .. Restrictions("Commands:*"), .. Restrictions("Jobs:*"), "Jobs:*:Timeout",
        "Policy:MinimumUid", "Policy:RefuseDisabledAccounts", "Policy:PamService", "Policy:UnknownNames",
        "Policy:Rules:#:Name", "Policy:Rules:#:Callers:#", "Policy:Rules:#:Jobs:#", "Policy:Rules:#:As:#", "Policy:Rules:#:Deny",
            "Policy:Rules:#:AllowRoot", "Policy:Rules:#:RequireConsent",
        "Policy:Rules:#:Where:*:Equals", "Policy:Rules:#:Where:*:OneOf:#", "Policy:Rules:#:Where:*:Pattern",
            "Policy:Rules:#:Where:*:MaxLength", "Policy:Rules:#:Where:*:Under",
        "Policy:Rules:#:Where:*:AtMost", "Policy:Rules:#:Where:*:AtLeast",
        "Limits:MaxConnections", "Limits:MaxConnectionsPerUid", "Limits:MaxReceivingPerUid", "Limits:RootReserve",
        "Limits:RequestTimeout", "Limits:LookupTimeout", "Limits:LookupCacheTime",
        "Limits:MaxJobs", "Limits:MaxJobsPerUid", "Limits:JobTimeout", "Limits:KillGrace", "Limits:OrphanGrace", "Limits:DrainTimeout",
        "Limits:MaxQueued", "Limits:QueueTimeout", "Limits:OutputLimit", "Limits:Cgroup", "Limits:Worker:MemoryMax",
            "Limits:Worker:PidsMax", "Limits:Worker:CpuWeight", "Limits:Worker:OomScoreAdj",
        "Limits:Worker:OpenFiles", "Limits:Worker:CpuSeconds", "Limits:Worker:FileSize", "Limits:Worker:Umask", "Limits:Worker:Nice",
        "Limits:Worker:CoreSize",
        "Audit:File", "Audit:Required", "Audit:RecordsPerMinute", "Logging:**",
    ];

    private static readonly string[] Nullable =
    [
        "Commands:*:Timeout", "Commands:*:Parameters:*:Pattern", "Commands:*:Parameters:*:MaxLength", "Commands:*:Parameters:*:Default",
        "Limits:Worker:CpuSeconds", "Limits:Worker:FileSize", "Limits:Worker:CoreSize",
        "Limits:Worker:MemoryMax", "Limits:Worker:PidsMax", "Limits:Worker:CpuWeight", "Limits:OutputLimit", "Policy:PamService",
            "Audit:File",
        "Audit:RecordsPerMinute",
        .. NullableRestrictions("Commands:*"), .. NullableRestrictions("Jobs:*"), "Jobs:*:Timeout",
    ];

    private static readonly string[] Empty =
    [
        "Commands:*:Description", "Commands:*:Command:#", "Commands:*:Parameters:*:Description", "Commands:*:Parameters:*:Default",
        "Policy:Rules:#:Where:*:Equals", "Policy:Rules:#:Where:*:OneOf:#",
    ];

    /// <summary>Keys whose values are not texts. A test compares them with the types of the options.</summary>
    private static readonly Dictionary<string, ValueKind> Kinds = new(
    [
        .. Of(ValueKind.Time, "Jobs:*:Timeout", "Commands:*:Timeout", "Limits:QueueTimeout", "Limits:RequestTimeout",
            "Limits:LookupTimeout", "Limits:LookupCacheTime", "Limits:JobTimeout", "Limits:KillGrace", "Limits:DrainTimeout",
            "Limits:OrphanGrace"),
        .. Of(ValueKind.Size, "Limits:OutputLimit", "Limits:Worker:MemoryMax", "Limits:Worker:FileSize", "Limits:Worker:CoreSize",
            "Commands:*:OutputLimit", "Commands:*:Limits:MemoryMax", "Commands:*:Limits:FileSize", "Commands:*:Limits:CoreSize",
            "Jobs:*:OutputLimit", "Jobs:*:Limits:MemoryMax", "Jobs:*:Limits:FileSize", "Jobs:*:Limits:CoreSize"),
        .. Of(ValueKind.LongWhole, "Limits:Worker:PidsMax", "Limits:Worker:OpenFiles", "Limits:Worker:CpuSeconds",
            "Commands:*:Limits:PidsMax", "Commands:*:Limits:OpenFiles", "Commands:*:Limits:CpuSeconds",
            "Jobs:*:Limits:PidsMax", "Jobs:*:Limits:OpenFiles", "Jobs:*:Limits:CpuSeconds"),
        .. Of(ValueKind.Whole, "JobHosts:#:Workers", "JobHosts:#:MaxWorkers", "JobHosts:#:Processes", "Commands:*:Parameters:*:MaxLength",
            "Policy:Rules:#:Where:*:MaxLength", "Limits:MaxConnections", "Limits:MaxConnectionsPerUid", "Limits:MaxReceivingPerUid",
            "Limits:RootReserve", "Limits:MaxJobs", "Limits:MaxJobsPerUid", "Limits:MaxQueued", "Limits:Worker:CpuWeight",
            "Limits:Worker:Nice", "Limits:Worker:OomScoreAdj", "Audit:RecordsPerMinute",
            "Commands:*:Limits:CpuWeight", "Commands:*:Limits:Nice", "Commands:*:Limits:OomScoreAdj",
            "Jobs:*:Limits:CpuWeight", "Jobs:*:Limits:Nice", "Jobs:*:Limits:OomScoreAdj"),
        .. Of(ValueKind.Flag, "Commands:*:Parameters:*:AllowLeadingDash", "Commands:*:Sandbox:NoNetwork", "Jobs:*:Sandbox:NoNetwork",
            "Policy:RefuseDisabledAccounts", "Policy:Rules:#:Deny", "Policy:Rules:#:AllowRoot", "Policy:Rules:#:RequireConsent",
            "Audit:Required"),
        .. Of(ValueKind.Number, "Policy:Rules:#:Where:*:AtMost", "Policy:Rules:#:Where:*:AtLeast"),
        .. Of(ValueKind.Id, "Policy:MinimumUid"),
    ]);

    /// <summary>The parts of each pattern: keys are compared with all of them, and there can be many keys.</summary>
    private static readonly string[][] PatternParts = Split(Patterns);
    private static readonly string[][] NullableParts = Split(Nullable);
    private static readonly string[][] EmptyParts = Split(Empty);
    private static readonly ValueKind[] KindOfPattern = [.. Patterns.Select(pattern => Kinds.GetValueOrDefault(pattern))];

    /// <summary>The keys; '#' is the position of an entry, '*' is a name.</summary>
    public static IReadOnlyList<string> All => Patterns;

    /// <summary>Whether a key is one of the known keys with a value.</summary>
    public static bool Contains(string key) => MatchesAny(PatternParts, key, sectionsToo: false);

    /// <summary>Whether a key is a section that contains a known key.</summary>
    public static bool ContainsSection(string key) => MatchesAny(PatternParts, key, sectionsToo: true);

    /// <summary>Whether the value of a key can be null, for "no limit" or "none".</summary>
    public static bool MayBeNull(string key) => MatchesAny(NullableParts, key, sectionsToo: false);

    /// <summary>Whether the value of a key can be the empty text.</summary>
    public static bool MayBeEmpty(string key) => MatchesAny(EmptyParts, key, sectionsToo: false);

    /// <summary>Whether a library reads a key, by its own rules.</summary>
    public static bool IsOthers(string key) => key.StartsWith("Logging:", StringComparison.OrdinalIgnoreCase);

    /// <summary>Returns the kind of a key's value.</summary>
    public static ValueKind KindOf(string key)
    {
        string[] parts = key.Split(':');
        int found = Array.FindIndex(PatternParts, pattern => Matches(pattern, parts, sectionsToo: false));
        return found < 0 ? ValueKind.Text : KindOfPattern[found];
    }

    /// <summary>Returns the list that a key uses like an object: with a name in place of the position of an entry. Null for none.</summary>
    public static string? ListWithNames(string key)
    {
        string[] parts = key.Split(':');
        foreach (string[] pattern in PatternParts)
        {
            for (int i = 0; i < pattern.Length && i < parts.Length && (SamePart(pattern[i], parts[i]) || pattern[i] == "#"); i++)
            {
                if (!SamePart(pattern[i], parts[i]))
                    return string.Join(':', parts[..i]);
            }
        }

        return null;
    }

    /// <summary>Returns the known key with one value that a key uses like an object or a list; null for none.</summary>
    public static string? ValueAbove(string key)
    {
        string[] parts = key.Split(':');
        string[]? found = Array.Find(PatternParts, pattern =>
            pattern[^1] != "**" && pattern.Length < parts.Length && Matches(pattern, parts[..pattern.Length], sectionsToo: false));
        return found is null ? null : string.Join(':', parts[..found.Length]);
    }

    /// <summary>
    /// Returns the list to which a key belongs: the key is an empty list, an entry of a list, or a part of an entry. Null for none.
    /// </summary>
    public static string? ListOf(string key)
    {
        string[] parts = key.Split(':');
        foreach (string[] pattern in PatternParts)
        {
            int depth = Array.IndexOf(pattern, "#");
            if (depth > 0 && parts.Length >= depth
                && (Matches(pattern, parts, sectionsToo: false) || Matches(pattern, parts, sectionsToo: true)))
                return string.Join(':', parts[..depth]);
        }

        return null;
    }

    /// <summary>
    /// Returns the known key that is nearest to a mistyped one: at the place where the known part ends, or with the same name elsewhere.
    /// Null for none.
    /// </summary>
    public static string? Nearest(string key)
    {
        string[] parts = key.Split(':');
        string[][] candidates = PatternParts;
        for (int depth = 0; depth < parts.Length; depth++)
        {
            string part = parts[depth];
            string[][] further = [.. candidates.Where(pattern => depth < pattern.Length && SamePart(pattern[depth], part))];
            if (further.Length == 0)
                return NearestOf(candidates.Where(pattern => depth < pattern.Length).Select(pattern => pattern[depth]), part)
                    ?? Elsewhere(parts[^1]);
            candidates = further;
        }

        return null;
    }

    private static IEnumerable<KeyValuePair<string, ValueKind>> Of(ValueKind kind, params string[] patterns) =>
        patterns.Select(pattern => KeyValuePair.Create(pattern, kind));

    private static string[] Restrictions(string job) =>
    [
        .. NullableRestrictions(job), $"{job}:Sandbox:ReadOnly:#", $"{job}:Sandbox:ReadWrite:#", $"{job}:Sandbox:NoNetwork",
            $"{job}:Sandbox:Seccomp",
        $"{job}:AuditedArguments:#", $"{job}:AuditArguments:#",
    ];

    private static string[] NullableRestrictions(string job) =>
    [
        $"{job}:OutputLimit", $"{job}:Limits:MemoryMax", $"{job}:Limits:PidsMax", $"{job}:Limits:CpuWeight", $"{job}:Limits:OpenFiles",
        $"{job}:Limits:CoreSize",
        $"{job}:Limits:CpuSeconds", $"{job}:Limits:FileSize", $"{job}:Limits:Umask", $"{job}:Limits:Nice", $"{job}:Limits:OomScoreAdj",
    ];

    private static string? NearestOf(IEnumerable<string> names, string mistyped) => names
        .Where(name => name is not ("*" or "#" or "**"))
        .Select(name => (Name: name, Distance: Distance(name, mistyped)))
        .Where(candidate => candidate.Distance <= Math.Max(2, mistyped.Length / 3))
        .OrderBy(candidate => candidate.Distance)
        .FirstOrDefault().Name;

    private static string? Elsewhere(string name) =>
        Array.Find(Patterns, pattern => string.Equals(pattern[(pattern.LastIndexOf(':') + 1)..], name, StringComparison.OrdinalIgnoreCase));

    private static bool SamePart(string wanted, string part) => wanted switch
    {
        "*" or "**" => true,
        "#" => part.Length > 0 && part.AsSpan().IndexOfAnyExceptInRange('0', '9') < 0,
        _ => string.Equals(wanted, part, StringComparison.OrdinalIgnoreCase),
    };

    private static string[][] Split(string[] patterns) => [.. patterns.Select(pattern => pattern.Split(':'))];

    private static bool MatchesAny(string[][] patterns, string key, bool sectionsToo)
    {
        string[] parts = key.Split(':');
        return Array.Exists(patterns, pattern => Matches(pattern, parts, sectionsToo));
    }

    private static bool Matches(string[] wanted, string[] parts, bool sectionsToo)
    {
        for (int i = 0; i < parts.Length; i++)
        {
            if (i >= wanted.Length)
                return false;
            if (wanted[i] == "**")
                return true;
            if (!SamePart(wanted[i], parts[i]))
                return false;
        }

        return sectionsToo ? parts.Length < wanted.Length : parts.Length == wanted.Length;
    }

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
