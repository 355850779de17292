using PipeForkAs.Daemon.Users;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>May this caller run this job as this user?</summary>
/// <param name="Caller">The caller, and what the policy's rules ask of it.</param>
/// <param name="Job">The job's name; whether there is such a job does not matter.</param>
/// <param name="User">The user as the request names it.</param>
/// <param name="Account">The user resolved; null as long as nothing was looked up.</param>
/// <param name="Arguments">The arguments that the policy looks at; null for none.</param>
/// <param name="Consent">Whether the user lets this caller run this job; null as long as nobody asked.</param>
internal readonly record struct Question(
    KnownCaller Caller, string Job, UserSelector User, Account? Account, RequestArguments? Arguments, ConsentAnswer? Consent = null);

/// <summary>The kinds of answers.</summary>
internal enum Answer
{
    /// <summary>It may not.</summary>
    Denied,

    /// <summary>The target's account decides: look it up, and ask again.</summary>
    NeedsAccount,

    /// <summary>The target's consent decides: ask for it, and ask again.</summary>
    NeedsConsent,

    /// <summary>It may be, but there is no such user; this caller may know that.</summary>
    UnknownUser,

    /// <summary>It may.</summary>
    Allowed,
}

/// <summary>An answer.</summary>
/// <param name="Answer">Which.</param>
/// <param name="Rule">The rule that decided; null where none matched.</param>
/// <param name="Reason">Why, for the log and for root; never for others.</param>
/// <param name="Account">Whom the job runs as, where it is allowed.</param>
/// <param name="GrantsRoot">Whether that is root, and the rule grants it by name.</param>
/// <param name="NeedsHome">Whether a relative path was taken for one below the home, in which the job must begin then.</param>
internal readonly record struct Decision(
    Answer Answer, string? Rule, string Reason, Account? Account = null, bool GrantsRoot = false, bool NeedsHome = false)
{
    public bool IsAllowed => Answer == Answer.Allowed;

    public static Decision Deny(string reason) => new(Answer.Denied, null, reason);
}
