using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Users;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>Decides who may run which job as whom.</summary>
internal interface IAuthorizer
{
    /// <summary>Decides. The user is looked up only where a rule may allow it: a refusal tells nothing of what exists.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="job">The job's name.</param>
    /// <param name="user">The user as the request names it.</param>
    /// <param name="arguments">The arguments as a JSON object in UTF-8; null for none.</param>
    /// <param name="trace">
    /// Is given what each rule came to. It may tell of the user's account: not for others than root. Null for none.
    /// </param>
    /// <exception cref="UserLookupException">The user database did not answer.</exception>
    ValueTask<Decision> DecideAsync(Caller caller, string job, UserSelector user, byte[]? arguments, List<CheckedRule>? trace = null);

    /// <summary>Which jobs the caller may know of: root of all, others of those that they may run as someone.</summary>
    /// <exception cref="UserLookupException">The user database did not answer.</exception>
    ValueTask<Func<string, bool>> KnownJobsAsync(Caller caller);
}
