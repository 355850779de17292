using PipeForkAs.Daemon.Accounts;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Users;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// Decides whether a caller may run a job as a user, and with which parameters. Contains every check that can refuse a request before a
/// worker is taken.
/// </summary>
/// <param name="audit">Refuses all jobs while required records cannot be written.</param>
/// <param name="authorizer">Evaluates the policy.</param>
/// <param name="catalog">The jobs.</param>
/// <param name="bans">Refuses users whose jobs harm others.</param>
/// <param name="accounts">Refuses disabled accounts.</param>
/// <param name="tickets">The tickets of users who have signed in.</param>
/// <param name="orders">Builds the order.</param>
internal sealed class JobAuthorization(
    Audit audit, IAuthorizer authorizer, JobCatalog catalog, UserBans bans, AccountGate accounts, Tickets tickets,
    OrderBuilder orders)
{
    /// <summary>The maximum number of policy decisions about one request while jobs are being deployed.</summary>
    private const int MaxDecisions = 3;

    /// <summary>
    /// Authorizes a request, first by names only. If the policy allows the names, looks up the job and the user and decides again.
    /// </summary>
    /// <param name="caller">The caller.</param>
    /// <param name="user">The target user.</param>
    /// <param name="request">The request.</param>
    /// <param name="trail">Receives the decision.</param>
    /// <exception cref="RefusedException">The request is refused; the message says why.</exception>
    /// <exception cref="UserLookupException">The user database did not answer in time.</exception>
    public async ValueTask<AuthorizedJob> AuthorizeAsync(Caller caller, UserSelector user, Request request, AuditTrail trail)
    {
        audit.ThrowIfUnwritable();
        string name = request.Job!;
        (RegisteredJob? found, Decision decision) = await DecideAsync(caller, name, user, request);
        trail.Decision = decision;
        if (decision.Answer is not (Answer.Allowed or Answer.UnknownUser))
            throw new RefusedException(ReplyCode.Denied, PolicyRefusal.Message(caller, request));
        RegisteredJob job = found
            ?? throw new RefusedException(ReplyCode.UnknownJob, $"there is no job \"{name}\"; pipeforkas list shows the jobs");
#pragma warning disable CA2000 // The receiver owns it and closes it.
        JobHostPool.Lease lease = job.Host.Acquire();
#pragma warning restore CA2000
        try
        {
            Account account = decision.Account ?? throw new RefusedException(ReplyCode.UnknownUser, $"there is no user \"{user}\"");
            bans.ThrowIfBanned(account);
            await accounts.ThrowIfDisabledAsync(account, caller.Bucket);
            JobOrder order = await orders.BuildAsync(caller.Bucket, job, request, account, decision.GrantsRoot);
            return new AuthorizedJob(job, account, decision, order, lease);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Decides about the job that will run. A job that is deployed during the decision can change the default values of omitted arguments,
    /// so the decision is repeated.
    /// </summary>
    private async ValueTask<(RegisteredJob? Job, Decision Decision)> DecideAsync(
        Caller caller, string job, UserSelector user, Request request)
    {
        SignedInUser? signedIn = request.Ticket is { } ticket ? await tickets.FindAsync(caller, ticket) : null;
        for (int attempt = 0; attempt < MaxDecisions; attempt++)
        {
            RegisteredJob? found = catalog.Find(job);
            Decision decision = await authorizer.DecideAsync(caller, job, user, request.Arguments, signedIn: signedIn);
            if (ReferenceEquals(catalog.Find(job), found))
                return (found, decision);
        }

        throw new RefusedException(ReplyCode.Busy, "jobs changed repeatedly during the decision; try again");
    }
}
