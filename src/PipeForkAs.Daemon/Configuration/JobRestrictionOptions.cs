using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>The restrictions of one job. They can only take away: no value here gives a job more than it has without it.</summary>
internal class JobRestrictionOptions
{
    /// <summary>
    /// How long the job can run: more than zero, at most <see cref="LimitOptions.JobTimeout"/>; null if only that, and the job's own
    /// timeout, apply.
    /// </summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>
    /// Bytes that the job can write to its outputs together, 0 or more; null if only <see cref="LimitOptions.OutputLimit"/> applies.
    /// </summary>
    public long? OutputLimit { get; set; }

    /// <summary>The limits of the job's worker and all its processes, below <see cref="LimitOptions.Worker"/>.</summary>
    public TighterLimitOptions Limits { get; set; } = new();

    /// <summary>What the job can access, in addition to the restrictions that the job itself declares.</summary>
    public SandboxOptions Sandbox { get; set; } = new();

    /// <summary>
    /// Arguments whose values audit records show, in addition to those of the job's registration; <c>*</c> for all. Records contain a keyed
    /// hash of the other arguments.
    /// </summary>
    public IList<string> AuditedArguments { get; set; } = [];

    /// <summary>The old name of <see cref="AuditedArguments"/>; both lists apply.</summary>
    public IList<string> AuditArguments { get; set; } = [];

    /// <summary>The entry of <see cref="AuditedArguments"/> that means all arguments.</summary>
    public const string AllArguments = "*";

    /// <summary>Returns the arguments of both lists, each with the name of its list.</summary>
    public IEnumerable<(string List, string Argument)> ListAuditedArguments() =>
        AuditedArguments.Select(static argument => (nameof(AuditedArguments), argument))
            .Concat(AuditArguments.Select(static argument => (nameof(AuditArguments), argument)));
}

/// <summary>
/// The limits of a job in addition to <see cref="WorkerLimitOptions"/>, which describes each of them; null for no additional limit.
/// </summary>
internal sealed class TighterLimitOptions
{
    /// <summary>At most the general value.</summary>
    public long? MemoryMax { get; set; }

    /// <summary>At most the general value.</summary>
    public long? PidsMax { get; set; }

    /// <summary>At most the general value.</summary>
    public int? CpuWeight { get; set; }

    /// <summary>At most the general value.</summary>
    public long? OpenFiles { get; set; }

    /// <summary>At most the general value.</summary>
    public long? CpuSeconds { get; set; }

    /// <summary>At most the general value.</summary>
    public long? FileSize { get; set; }

    /// <summary>At most the general value.</summary>
    public long? CoreSize { get; set; }

    /// <summary>At least the bits of the general value.</summary>
    public string? Umask { get; set; }

    /// <summary>At least the general value.</summary>
    public int? Nice { get; set; }

    /// <summary>At least the general value.</summary>
    public int? OomScoreAdj { get; set; }
}

/// <summary>What a job can access; landlock(7), seccomp(2).</summary>
internal sealed class SandboxOptions
{
    /// <summary>
    /// Absolute paths, or <c>~</c> and paths below it for the user's home: the job can read and execute what is there. If this list or the
    /// other one has an entry, the job can access nothing else.
    /// </summary>
    public IList<string> ReadOnly { get; set; } = [];

    /// <summary>Paths as in <see cref="ReadOnly"/>, which the job can also write.</summary>
    public IList<string> ReadWrite { get; set; } = [];

    /// <summary>Whether the job has no sockets except stream and seqpacket pairs, connected to each other.</summary>
    public bool NoNetwork { get; set; }

    /// <summary>
    /// <c>default</c> forbids the system calls that are dangerous and seldom needed; <c>none</c> adds nothing to what the job itself
    /// declares.
    /// </summary>
    public string Seccomp { get; set; } = "none";

    /// <summary>Returns the same options in the form that workers read.</summary>
    public Sandbox ToSandbox() => new()
    {
        ReadOnly = [.. ReadOnly],
        ReadWrite = [.. ReadWrite],
        NoNetwork = NoNetwork,
        Seccomp = Seccomp == "default" ? SeccompProfile.Default : SeccompProfile.None,
    };
}
