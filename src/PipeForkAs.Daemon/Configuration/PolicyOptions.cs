using Microsoft.Extensions.Configuration;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>Who may run what as whom. Without <see cref="Rules"/>: everyone as themselves, root as everyone.</summary>
internal sealed class PolicyOptions
{
    /// <summary>
    /// The lowest uid that a job may run as unless a rule names its user, 1 to 4294967294; what lies below are the system's own accounts.
    /// </summary>
    public uint MinimumUid { get; set; } = 1000;

    /// <summary>
    /// The rules, of which the first that matches decides; no match refuses. Null for the built-in ones; an empty list refuses
    /// everything.
    /// </summary>
    public IList<RuleOptions>? Rules { get; set; }

    /// <summary>
    /// Whether accounts are refused that have expired, or whose shell lets nobody in. A password that is locked is not enough.
    /// </summary>
    public bool RefuseDisabledAccounts { get; set; } = true;

    /// <summary>
    /// What names of users and groups in <see cref="Rules"/> do that cannot be resolved: <see cref="Warn"/>, or <see cref="Refuse"/> the
    /// configuration.
    /// </summary>
    public string UnknownNames { get; set; } = Warn;

    /// <summary>A value of <see cref="UnknownNames"/>.</summary>
    public const string Warn = "warn", Refuse = "refuse";

    /// <summary>The PAM service whose account modules must let an account pass: a file of pam.d(5); null for none.</summary>
    public string? PamService { get; set; }
}

/// <summary>A rule. It matches where the caller, the job, the user and the arguments all do.</summary>
internal sealed class RuleOptions
{
    /// <summary>Its name for the log and for <c>check</c>: 1 to 64 characters on one line, no two rules the same.</summary>
    public string Name { get; set; } = "";

    /// <summary>Who asks: user names, uids in digits, <c>@group</c>, <c>*</c>.</summary>
    public IList<string> Callers { get; set; } = [];

    /// <summary>Names of jobs, or their beginning with <c>*</c> behind it.</summary>
    public IList<string> Jobs { get; set; } = [];

    /// <summary>Whom the job runs as: the same as in <see cref="Callers"/>, and <c>self</c>.</summary>
    public IList<string> As { get; set; } = [];

    /// <summary>Whether what matches is refused.</summary>
    public bool Deny { get; set; }

    /// <summary>Whether uid 0, which <see cref="As"/> must name, is meant.</summary>
    public bool AllowRoot { get; set; }

    /// <summary>
    /// Whether the user whom the job runs as must have let the caller in by a file of its own: <c>~/.config/pipeforkas/allow</c>.
    /// </summary>
    public bool RequireConsent { get; set; }

    /// <summary>Conditions by the argument's name; all of them must hold.</summary>
    public IDictionary<string, ConditionOptions> Where { get; set; } = new Dictionary<string, ConditionOptions>(StringComparer.Ordinal);
}

/// <summary>What an argument must be; all that is given must hold.</summary>
internal sealed class ConditionOptions
{
    /// <summary>The value: a text, a number, true or false.</summary>
    [ConfigurationKeyName("Equals")]
    public string? EqualTo { get; set; }

    /// <summary>The values, of which it must be one.</summary>
    public IList<string>? OneOf { get; set; }

    /// <summary>A regular expression that the whole of a text must match.</summary>
    public string? Pattern { get; set; }

    /// <summary>The longest text in bytes of UTF-8 that <see cref="Pattern"/> is compared with, 1 to 65,536; null for 4,096.</summary>
    public int? MaxLength { get; set; }

    /// <summary>A folder that a path must lie in: absolute, or <c>~</c> for the target's home, or a folder in it.</summary>
    public string? Under { get; set; }

    /// <summary>The largest number.</summary>
    public decimal? AtMost { get; set; }

    /// <summary>The smallest number.</summary>
    public decimal? AtLeast { get; set; }
}
