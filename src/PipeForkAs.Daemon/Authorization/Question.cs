using PipeForkAs.Daemon.Users;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>The question whether this caller may run this job as this user.</summary>
/// <param name="Caller">The caller, with the facts that the rules of the policy need.</param>
/// <param name="Job">The name of the job; the job need not exist.</param>
/// <param name="User">The user as the request names it.</param>
/// <param name="Account">The resolved user; null if it was not looked up yet.</param>
/// <param name="Arguments">The arguments that the policy tests; null for none.</param>
/// <param name="Consent">Whether the user lets this caller run this job; null if the user was not asked yet.</param>
/// <param name="SignedIn">The user of the caller's ticket; null if the request has no valid ticket.</param>
internal readonly record struct Question(
    KnownCaller Caller, string Job, UserSelector User, Account? Account, RequestArguments? Arguments, ConsentAnswer? Consent = null,
    SignedInUser? SignedIn = null);

internal enum Answer
{
    /// <summary>The policy denies the request.</summary>
    Denied,

    /// <summary>The account of the target user decides: look it up, and decide again.</summary>
    NeedsAccount,

    /// <summary>The consent of the target user decides: ask for it, and decide again.</summary>
    NeedsConsent,

    /// <summary>A rule allows the request, but there is no such user; this caller may know that.</summary>
    UnknownUser,

    /// <summary>The policy allows the request.</summary>
    Allowed,
}

/// <summary>The decision on a question.</summary>
/// <param name="Answer">The kind of answer.</param>
/// <param name="Rule">The rule that decided; null if none matched.</param>
/// <param name="Reason">The reason, for the log and for root; never for other callers.</param>
/// <param name="Account">The user to run the job as, if the answer allows that.</param>
/// <param name="GrantsRoot">Whether that user is root, and the rule grants root by name.</param>
/// <param name="NeedsHome">Whether the rule resolved a relative path below the home; then the job must begin in the home.</param>
internal readonly record struct Decision(
    Answer Answer, string? Rule, string Reason, Account? Account = null, bool GrantsRoot = false, bool NeedsHome = false)
{
    public bool IsAllowed => Answer == Answer.Allowed;

    public static Decision Deny(string reason) => new(Answer.Denied, null, reason);
}
