using Microsoft.Extensions.Configuration;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>
/// Which caller may run which job as which user. Without <see cref="Rules"/>: every caller as themselves, root as every user.
/// </summary>
internal sealed class PolicyOptions
{
    /// <summary>
    /// The lowest uid that a job can run as unless a rule names its user, 1 to 4294967294; lower uids are those of system accounts.
    /// </summary>
    public uint MinimumUid { get; set; } = 1000;

    /// <summary>
    /// The rules: the first one that matches decides; no match denies. Null for the built-in rules; an empty list denies every request.
    /// </summary>
    public IList<RuleOptions>? Rules { get; set; }

    /// <summary>
    /// Whether the daemon refuses accounts that have expired, or whose shell does not permit a login. A locked password alone is not
    /// enough.
    /// </summary>
    public bool RefuseDisabledAccounts { get; set; } = true;

    /// <summary>
    /// The effect of names of users and groups in <see cref="Rules"/> that cannot be resolved: <see cref="Warn"/>, or <see cref="Refuse"/>
    /// to reject the configuration.
    /// </summary>
    public string UnknownNames { get; set; } = Warn;

    /// <summary>A value of <see cref="UnknownNames"/>.</summary>
    public const string Warn = "warn", Refuse = "refuse";

    /// <summary>The PAM service whose account modules must accept an account: a file of pam.d(5); null for none.</summary>
    public string? PamService { get; set; }

    /// <summary>How users sign in, for rules with <see cref="RuleOptions.RequireSignIn"/>.</summary>
    public SignInOptions SignIn { get; set; } = new();
}

/// <summary>
/// Signing in: a caller proves by a user's password that the user is there, and gets a ticket. Off unless <see cref="PamService"/> is set.
/// </summary>
internal sealed class SignInOptions
{
    /// <summary>The PAM service that checks passwords and accounts: a file of pam.d(5); null if no user can sign in.</summary>
    public string? PamService { get; set; }

    /// <summary>The callers that may sign users in: the forms of <see cref="RuleOptions.Callers"/>.</summary>
    public IList<string> Callers { get; set; } = [];

    /// <summary>How long a ticket is valid: one minute to 30 days.</summary>
    public TimeSpan TicketTime { get; set; } = TimeSpan.FromHours(8);

    /// <summary>The most wrong passwords for one user by one caller within <see cref="FailureWindow"/>: 1 to 1,000.</summary>
    public int MaxFailures { get; set; } = 5;

    /// <summary>The most wrong passwords by one caller within <see cref="FailureWindow"/>: 1 to 100,000.</summary>
    public int MaxCallerFailures { get; set; } = 200;

    /// <summary>How long failures count, from the first one: 1 s to one day.</summary>
    public TimeSpan FailureWindow { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long PAM can take, and how long an attempt can wait before that: 1 s to 10 minutes.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>A rule. It matches if the caller, the job, the user and the arguments all match.</summary>
internal sealed class RuleOptions
{
    /// <summary>The name of the rule for the log and for <c>check</c>: 1 to 64 characters on one line, unique among the rules.</summary>
    public string Name { get; set; } = "";

    /// <summary>The callers: user names, uids in digits, <c>@group</c>, <c>*</c>.</summary>
    public IList<string> Callers { get; set; } = [];

    /// <summary>Names of jobs, or prefixes with <c>*</c> after them.</summary>
    public IList<string> Jobs { get; set; } = [];

    /// <summary>The target users: the same forms as in <see cref="Callers"/>, and <c>self</c>.</summary>
    public IList<string> As { get; set; } = [];

    /// <summary>Whether the rule denies what matches.</summary>
    public bool Deny { get; set; }

    /// <summary>Whether the rule applies to uid 0, which <see cref="As"/> must name.</summary>
    public bool AllowRoot { get; set; }

    /// <summary>Whether the target user must have allowed the caller in the file <c>~/.config/pipeforkas/allow</c> of that user.</summary>
    public bool RequireConsent { get; set; }

    /// <summary>Whether the request must have a ticket that this caller got for the target user; <see cref="SignInOptions"/>.</summary>
    public bool RequireSignIn { get; set; }

    /// <summary>Conditions by the name of the argument; all of them must be met.</summary>
    public IDictionary<string, ConditionOptions> Where { get; set; } = new Dictionary<string, ConditionOptions>(StringComparer.Ordinal);
}

/// <summary>What an argument must be; all given conditions must be met.</summary>
internal sealed class ConditionOptions
{
    /// <summary>The value: a text, a number, true or false.</summary>
    [ConfigurationKeyName("Equals")]
    public string? EqualTo { get; set; }

    /// <summary>The permitted values.</summary>
    public IList<string>? OneOf { get; set; }

    /// <summary>A regular expression that the whole text must match.</summary>
    public string? Pattern { get; set; }

    /// <summary>The longest text in bytes of UTF-8 that is compared with <see cref="Pattern"/>, 1 to 65,536; null for 4,096.</summary>
    public int? MaxLength { get; set; }

    /// <summary>A folder that must contain the path: absolute, or <c>~</c> for the home of the target user, or a folder in it.</summary>
    public string? Under { get; set; }

    /// <summary>The largest number.</summary>
    public decimal? AtMost { get; set; }

    /// <summary>The smallest number.</summary>
    public decimal? AtLeast { get; set; }
}
