using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Users;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>Decides which caller may run which job as which user.</summary>
internal interface IAuthorizer
{
    /// <summary>
    /// Decides a request. Looks the user up only if a rule might allow the request: a denial does not reveal which users exist.
    /// </summary>
    /// <param name="caller">The caller.</param>
    /// <param name="job">The name of the job.</param>
    /// <param name="user">The user as the request names it.</param>
    /// <param name="arguments">The arguments as a JSON object in UTF-8; null for none.</param>
    /// <param name="trace">
    /// Receives the result of each rule. The results can reveal the account of the user: show them to root only. Null for none.
    /// </param>
    /// <param name="signedIn">The user of the caller's ticket; null if the request has no valid ticket.</param>
    /// <exception cref="UserLookupException">The user database did not answer.</exception>
    ValueTask<Decision> DecideAsync(
        Caller caller, string job, UserSelector user, byte[]? arguments, List<CheckedRule>? trace = null, SignedInUser? signedIn = null);

    /// <summary>Decides whether a caller may sign users in.</summary>
    /// <exception cref="UserLookupException">The user database did not answer.</exception>
    ValueTask<bool> MaySignInAsync(Caller caller);

    /// <summary>Decides whether a caller may sign a user in: whether a rule can require the ticket.</summary>
    /// <exception cref="UserLookupException">The user database did not answer.</exception>
    ValueTask<bool> MaySignInAsync(Caller caller, Account account);

    /// <summary>
    /// Returns which jobs the caller may know of: root knows all jobs, other callers know the jobs that they may run as some user.
    /// </summary>
    /// <exception cref="UserLookupException">The user database did not answer.</exception>
    ValueTask<Func<string, bool>> KnownJobsAsync(Caller caller);
}
