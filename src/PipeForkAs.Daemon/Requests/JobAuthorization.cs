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
/// Decides whether a caller may run a job as a user, and with what. Everything that can refuse a request before a worker is taken is
/// here.
/// </summary>
/// <param name="audit">Refuses to run anything while records cannot be kept that must be.</param>
/// <param name="authorizer">Asks the policy.</param>
/// <param name="catalog">The jobs.</param>
/// <param name="bans">Refuses users whose jobs harm others.</param>
/// <param name="accounts">Refuses accounts that are disabled.</param>
/// <param name="orders">Makes the order.</param>
internal sealed class JobAuthorization(
    Audit audit, IAuthorizer authorizer, JobCatalog catalog, UserBans bans, AccountGate accounts, OrderBuilder orders)
{
    /// <summary>How often the policy decides about one request while jobs are deployed.</summary>
    private const int MaxDecisions = 3;

    /// <summary>Authorizes: by name first. Only what the policy allows is looked up, and decided upon once more.</summary>
    /// <param name="caller">The caller.</param>
    /// <param name="user">The user to run the job as.</param>
    /// <param name="request">What was asked.</param>
    /// <param name="trail">Is given the decision.</param>
    /// <exception cref="RefusedException">The request is refused; the message says why.</exception>
    /// <exception cref="UserLookupException">Nobody could say in time.</exception>
    public async ValueTask<AuthorizedJob> AuthorizeAsync(Caller caller, UserSelector user, Request request, AuditTrail trail)
    {
        audit.ThrowIfUnwritable();
        string name = request.Job!;
        (RegisteredJob? found, Decision decision) = await DecideAsync(caller, name, user, request.Arguments);
        trail.Decision = decision;
        if (decision.Answer is not (Answer.Allowed or Answer.UnknownUser))
            throw new RefusedException(ReplyCode.Denied, PolicyRefusal.Message(caller, request));
        RegisteredJob job = found
            ?? throw new RefusedException(ReplyCode.UnknownJob, $"there is no job \"{name}\"; list shows those that there are");
#pragma warning disable CA2000 // The receiver owns it, and closes it.
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
    /// Decides about the job that then runs: a job that is deployed during the decision can give other values to arguments that the request
    /// omits.
    /// </summary>
    private async ValueTask<(RegisteredJob? Job, Decision Decision)> DecideAsync(
        Caller caller, string job, UserSelector user, byte[]? arguments)
    {
        for (int attempt = 0; attempt < MaxDecisions; attempt++)
        {
            RegisteredJob? found = catalog.Find(job);
            Decision decision = await authorizer.DecideAsync(caller, job, user, arguments);
            if (ReferenceEquals(catalog.Find(job), found))
                return (found, decision);
        }

        throw new RefusedException(ReplyCode.Busy, "jobs were deployed again and again during the decision; try again");
    }
}
