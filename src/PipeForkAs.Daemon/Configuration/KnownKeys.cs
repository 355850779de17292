using static PipeForkAs.Daemon.Configuration.ValueKind;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>The known keys of a configuration. An unknown key could be a limit or a rule that has no effect.</summary>
internal static class KnownKeys
{
    /// <summary>The order counts: of equally near keys, the first one is suggested.</summary>
    private static readonly KnownKey[] Table =
    [
        new("Socket:Path"),
        new("Socket:Mode"),
        new("Socket:DescriptorCheck"),
        new("JobHosts:#:Path"),
        new("JobHosts:#:Workers", Whole),
        new("JobHosts:#:MaxWorkers", Whole),
        new("JobHosts:#:Processes", Whole),
        new("Commands:*:Description", mayBeEmpty: true),
        new("Commands:*:Command:#", mayBeEmpty: true),
        new("Commands:*:Timeout", Time, mayBeNull: true),
        new("Commands:*:Env:#"),
        new("Commands:*:UnsafeEnv:#"),
        new("Commands:*:Parameters:*:Type"),
        new("Commands:*:Parameters:*:Description", mayBeEmpty: true),
        new("Commands:*:Parameters:*:Pattern", mayBeNull: true),
        new("Commands:*:Parameters:*:MaxLength", Whole, mayBeNull: true),
        new("Commands:*:Parameters:*:Default", mayBeNull: true, mayBeEmpty: true),
        new("Commands:*:Parameters:*:AllowLeadingDash", Flag),
        .. Restrictions("Commands:*"),
        .. Restrictions("Jobs:*"),
        new("Jobs:*:Timeout", Time, mayBeNull: true),
        new("Policy:MinimumUid", Id),
        new("Policy:RefuseDisabledAccounts", Flag),
        new("Policy:PamService", mayBeNull: true),
        new("Policy:UnknownNames"),
        new("Policy:SignIn:PamService", mayBeNull: true),
        new("Policy:SignIn:Callers:#"),
        new("Policy:SignIn:TicketTime", Time),
        new("Policy:SignIn:MaxFailures", Whole),
        new("Policy:SignIn:MaxCallerFailures", Whole),
        new("Policy:SignIn:FailureWindow", Time),
        new("Policy:SignIn:Timeout", Time),
        new("Policy:Rules:#:Name"),
        new("Policy:Rules:#:Callers:#"),
        new("Policy:Rules:#:Jobs:#"),
        new("Policy:Rules:#:As:#"),
        new("Policy:Rules:#:Deny", Flag),
        new("Policy:Rules:#:AllowRoot", Flag),
        new("Policy:Rules:#:RequireConsent", Flag),
        new("Policy:Rules:#:RequireSignIn", Flag),
        new("Policy:Rules:#:Where:*:Equals", mayBeEmpty: true),
        new("Policy:Rules:#:Where:*:OneOf:#", mayBeEmpty: true),
        new("Policy:Rules:#:Where:*:Pattern"),
        new("Policy:Rules:#:Where:*:MaxLength", Whole),
        new("Policy:Rules:#:Where:*:Under"),
        new("Policy:Rules:#:Where:*:AtMost", Number),
        new("Policy:Rules:#:Where:*:AtLeast", Number),
        new("Limits:MaxConnections", Whole),
        new("Limits:MaxConnectionsPerUid", Whole),
        new("Limits:MaxReceivingPerUid", Whole),
        new("Limits:RootReserve", Whole),
        new("Limits:RequestTimeout", Time),
        new("Limits:LookupTimeout", Time),
        new("Limits:LookupCacheTime", Time),
        new("Limits:MaxJobs", Whole),
        new("Limits:MaxJobsPerUid", Whole),
        new("Limits:JobTimeout", Time),
        new("Limits:KillGrace", Time),
        new("Limits:OrphanGrace", Time),
        new("Limits:DrainTimeout", Time),
        new("Limits:MaxQueued", Whole),
        new("Limits:QueueTimeout", Time),
        new("Limits:OutputLimit", Size, mayBeNull: true),
        new("Limits:Cgroup"),
        new("Limits:Worker:MemoryMax", Size, mayBeNull: true),
        new("Limits:Worker:PidsMax", LongWhole, mayBeNull: true),
        new("Limits:Worker:CpuWeight", Whole, mayBeNull: true),
        new("Limits:Worker:OomScoreAdj", Whole),
        new("Limits:Worker:OpenFiles", LongWhole),
        new("Limits:Worker:CpuSeconds", LongWhole, mayBeNull: true),
        new("Limits:Worker:FileSize", Size, mayBeNull: true),
        new("Limits:Worker:Umask"),
        new("Limits:Worker:Nice", Whole),
        new("Limits:Worker:CoreSize", Size, mayBeNull: true),
        new("Audit:File", mayBeNull: true),
        new("Audit:Required", Flag),
        new("Audit:RecordsPerMinute", Whole, mayBeNull: true),
        new("Logging:**"),
    ];

    /// <summary>The keys; '#' is the position of an entry, '*' is a name.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Table.Select(known => known.Pattern)];

    /// <summary>Whether a key is one of the known keys with a value.</summary>
    public static bool Contains(string key) => Find(key) is not null;

    /// <summary>Whether a key is a section that contains a known key.</summary>
    public static bool ContainsSection(string key)
    {
        string[] parts = key.Split(':');
        return Array.Exists(Table, known => known.IsWithin(parts));
    }

    /// <summary>Whether the value of a key can be null, for "no limit" or "none".</summary>
    public static bool MayBeNull(string key) => Find(key) is { MayBeNull: true };

    /// <summary>Whether the value of a key can be the empty text.</summary>
    public static bool MayBeEmpty(string key) => Find(key) is { MayBeEmpty: true };

    /// <summary>Whether a library reads a key, by its own rules.</summary>
    public static bool IsOthers(string key) => key.StartsWith("Logging:", StringComparison.OrdinalIgnoreCase);

    /// <summary>Returns the kind of a key's value.</summary>
    public static ValueKind KindOf(string key) => Find(key)?.Kind ?? ValueKind.Text;

    /// <summary>Returns the list that a key uses like an object: with a name in place of the position of an entry. Null for none.</summary>
    public static string? ListWithNames(string key)
    {
        string[] parts = key.Split(':');
        foreach (string[] pattern in Table.Select(known => known.Parts))
        {
            for (int i = 0; i < pattern.Length && i < parts.Length; i++)
            {
                if (KnownKey.SamePart(pattern[i], parts[i]))
                    continue;
                if (pattern[i] == "#")
                    return string.Join(':', parts[..i]);
                break;
            }
        }

        return null;
    }

    /// <summary>Returns the known key with one value that a key uses like an object or a list; null for none.</summary>
    public static string? ValueAbove(string key)
    {
        string[] parts = key.Split(':');
        KnownKey? found = Array.Find(
            Table, known => known.Parts[^1] != "**" && known.Parts.Length < parts.Length && known.Matches(parts[..known.Parts.Length]));
        return found is null ? null : string.Join(':', parts[..found.Parts.Length]);
    }

    /// <summary>
    /// Returns the list to which a key belongs: the key is an empty list, an entry of a list, or a part of an entry. Null for none.
    /// </summary>
    public static string? ListOf(string key)
    {
        string[] parts = key.Split(':');
        foreach (KnownKey known in Table)
        {
            int depth = Array.IndexOf(known.Parts, "#");
            if (depth > 0 && parts.Length >= depth && (known.Matches(parts) || known.IsWithin(parts)))
                return string.Join(':', parts[..depth]);
        }

        return null;
    }

    /// <summary>
    /// Returns the known key that is nearest to a mistyped one: at the place where the known part ends, or with the same name elsewhere.
    /// Null for none.
    /// </summary>
    public static string? Nearest(string key) => NearestKey.Of(Table, key);

    private static KnownKey? Find(string key)
    {
        string[] parts = key.Split(':');
        return Array.Find(Table, known => known.Matches(parts));
    }

    private static KnownKey[] Restrictions(string job) =>
    [
        new($"{job}:OutputLimit", Size, mayBeNull: true),
        new($"{job}:Limits:MemoryMax", Size, mayBeNull: true),
        new($"{job}:Limits:PidsMax", LongWhole, mayBeNull: true),
        new($"{job}:Limits:CpuWeight", Whole, mayBeNull: true),
        new($"{job}:Limits:OpenFiles", LongWhole, mayBeNull: true),
        new($"{job}:Limits:CoreSize", Size, mayBeNull: true),
        new($"{job}:Limits:CpuSeconds", LongWhole, mayBeNull: true),
        new($"{job}:Limits:FileSize", Size, mayBeNull: true),
        new($"{job}:Limits:Umask", mayBeNull: true),
        new($"{job}:Limits:Nice", Whole, mayBeNull: true),
        new($"{job}:Limits:OomScoreAdj", Whole, mayBeNull: true),
        new($"{job}:Sandbox:ReadOnly:#"),
        new($"{job}:Sandbox:ReadWrite:#"),
        new($"{job}:Sandbox:NoNetwork", Flag),
        new($"{job}:Sandbox:Seccomp"),
        new($"{job}:AuditedArguments:#"),
        new($"{job}:AuditArguments:#"),
    ];
}
