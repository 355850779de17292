using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Users;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>Decides who may run which job as whom: once by what the request names, before anything is looked up, and once more with the user resolved.</summary>
internal interface IAuthorizer
{
    /// <summary>Decides by names alone. What it refuses is not looked up, so that a refusal tells nothing of what exists.</summary>
    ValueTask<Verdict> AuthorizeAsync(Caller caller, string job, UserSelector user);

    /// <summary>Decides again with the resolved user: the floors that hold for every rule.</summary>
    Verdict AuthorizeResolved(Caller caller, string job, Account user);
}

/// <summary>A decision.</summary>
/// <param name="IsAllowed">Whether it is allowed.</param>
/// <param name="Rule">The rule that decided, for the log; never for the client.</param>
internal readonly record struct Verdict(bool IsAllowed, string Rule)
{
    public static Verdict Allow(string rule) => new(true, rule);

    public static Verdict Deny(string rule) => new(false, rule);
}
