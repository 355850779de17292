using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Replying;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Answers the operations that run no job.</summary>
internal sealed class QueryHandlers(
    CurrentConfiguration configuration, JobCatalog catalog, IAuthorizer authorizer, CheckHandler check, StatusHandler status,
    CancelHandler cancel, ReloadHandler reload, SignInHandler signIn)
{
    /// <summary>Answers a request.</summary>
    /// <exception cref="RefusedException">The request is refused; the message says why.</exception>
    public async ValueTask<EndRecord> AnswerAsync(Connection client, ReceivedRequest received, Reply reply, AuditTrail trail)
    {
        Request request = received.Request;
        Caller caller = client.Caller;
        LimitOptions limits = configuration.Limits;
        return request.Operation switch
        {
            Operation.Check => await check.CheckAsync(caller, request, reply, trail),
            Operation.List => await ListHandler.ListAsync(catalog, limits, await authorizer.KnownJobsAsync(caller), request, reply),
            Operation.Describe => await ListHandler.DescribeAsync(catalog, limits, await authorizer.KnownJobsAsync(caller), request, reply),
            Operation.Status => await status.StatusAsync(caller, request, reply),
            Operation.Cancel => await cancel.CancelAsync(caller, request),
            Operation.SignIn => await signIn.SignInAsync(client, received, reply, trail),
            Operation.SignOut => signIn.SignOut(caller, request),
            Operation.Reload => await reload.ReloadAsync(caller, reply),
            _ => throw new InvalidOperationException($"{request.Operation} is not a query"),
        };
    }
}
