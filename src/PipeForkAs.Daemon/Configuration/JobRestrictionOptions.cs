using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>
/// What the configuration restricts about one job. All of it only takes away: nothing here gives a job more than it has without.
/// </summary>
internal class JobRestrictionOptions
{
    /// <summary>
    /// How long it may run: over zero, at most <see cref="LimitOptions.JobTimeout"/>; null where only that, and what the job says itself,
    /// holds.
    /// </summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>
    /// Bytes that it may write to its outputs together, 0 or more; null where only <see cref="LimitOptions.OutputLimit"/> holds.
    /// </summary>
    public long? OutputLimit { get; set; }

    /// <summary>What its worker and all its processes are limited to, below <see cref="LimitOptions.Worker"/>.</summary>
    public TighterLimitOptions Limits { get; set; } = new();

    /// <summary>What it may reach, beside what it says itself.</summary>
    public SandboxOptions Sandbox { get; set; } = new();

    /// <summary>
    /// Arguments whose values audit records show, beside those of the job's registration; <c>*</c> for all. Records have a keyed hash of
    /// the others.
    /// </summary>
    public IList<string> AuditedArguments { get; set; } = [];

    /// <summary>The old name of <see cref="AuditedArguments"/>; both lists apply.</summary>
    public IList<string> AuditArguments { get; set; } = [];

    /// <summary>Stands for all arguments in <see cref="AuditedArguments"/>.</summary>
    public const string AllArguments = "*";

    /// <summary>The arguments of both lists, each with the name of its list.</summary>
    public IEnumerable<(string List, string Argument)> ListAuditedArguments() =>
        AuditedArguments.Select(static argument => (nameof(AuditedArguments), argument))
            .Concat(AuditArguments.Select(static argument => (nameof(AuditArguments), argument)));
}

/// <summary>
/// What a job is limited to beyond <see cref="WorkerLimitOptions"/>, which says what each of these means; null for nothing more.
/// </summary>
internal sealed class TighterLimitOptions
{
    /// <summary>At most the general one.</summary>
    public long? MemoryMax { get; set; }

    /// <summary>At most the general one.</summary>
    public long? PidsMax { get; set; }

    /// <summary>At most the general one.</summary>
    public int? CpuWeight { get; set; }

    /// <summary>At most the general one.</summary>
    public long? OpenFiles { get; set; }

    /// <summary>At most the general one.</summary>
    public long? CpuSeconds { get; set; }

    /// <summary>At most the general one.</summary>
    public long? FileSize { get; set; }

    /// <summary>At most the general one.</summary>
    public long? CoreSize { get; set; }

    /// <summary>At least the bits of the general one.</summary>
    public string? Umask { get; set; }

    /// <summary>At least the general one.</summary>
    public int? Nice { get; set; }

    /// <summary>At least the general one.</summary>
    public int? OomScoreAdj { get; set; }
}

/// <summary>What a job may reach; landlock(7), seccomp(2).</summary>
internal sealed class SandboxOptions
{
    /// <summary>
    /// Absolute paths, or <c>~</c> and paths below it for the user's home: what lies there may be read and executed. Where this or the
    /// other list stands, nothing else may be reached.
    /// </summary>
    public IList<string> ReadOnly { get; set; } = [];

    /// <summary>The same, to be written too.</summary>
    public IList<string> ReadWrite { get; set; } = [];

    /// <summary>Whether it has no sockets but stream and seqpacket pairs, connected to each other.</summary>
    public bool NoNetwork { get; set; }

    /// <summary>
    /// <c>default</c> forbids the calls that are dangerous and seldom needed, <c>none</c> nothing more than the job says itself.
    /// </summary>
    public string Seccomp { get; set; } = "none";

    /// <summary>The same, as workers read it.</summary>
    public Sandbox ToSandbox() => new()
    {
        ReadOnly = [.. ReadOnly],
        ReadWrite = [.. ReadWrite],
        NoNetwork = NoNetwork,
        Seccomp = Seccomp == "default" ? SeccompProfile.Default : SeccompProfile.None,
    };
}
