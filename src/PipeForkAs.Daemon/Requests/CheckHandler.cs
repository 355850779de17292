using System.Text;
using System.Text.Json;
using PipeForkAs.Daemon.Accounts;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Replying;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// Answers <c>check</c>: says what a request would result in, and runs nothing. Uses the same evaluator as a real request.
/// </summary>
internal sealed class CheckHandler(
    JobCatalog catalog, IAuthorizer authorizer, IUserDatabase users, AccountGate accounts, Tickets tickets, OrderBuilder orders)
{
    /// <summary>Answers the request.</summary>
    /// <exception cref="RefusedException">
    /// The job or the user does not exist, and the caller may know that; or the job does not accept the arguments.
    /// </exception>
    public async ValueTask<EndRecord> CheckAsync(Caller asking, Request request, Reply reply, AuditTrail trail)
    {
        Caller caller = request.Caller is null ? asking : await OtherAsync(asking, request.Caller);
        UserSelector user = request.User is null ? UserSelector.ById(caller.Uid) : UserSelector.Parse(request.User);
        var trace = new List<CheckedRule>();
        SignedInUser? signedIn = request.Ticket is { } ticket ? await tickets.FindAsync(caller, ticket) : null;
        Decision decision = await authorizer.DecideAsync(caller, request.Job!, user, request.Arguments, trace, signedIn);
        trail.Decision = decision;
        bool tellsAll = asking.Uid == UserId.Root;
        var result = new CheckResult
        {
            Allowed = decision.IsAllowed,
            Caller = caller.Uid.Value,
            Job = request.Job!,
            User = decision.Account?.Name ?? user.ToString(),
            Rule = tellsAll || decision.IsAllowed ? decision.Rule : null,
            Reason = tellsAll ? ReasonOf(decision, request.Job!) : null,
            Rules = tellsAll ? trace : null,
        };
        string? refusal = decision.IsAllowed ? null : PolicyRefusal.Message(caller, request);
        if (decision.Answer is Answer.Allowed or Answer.UnknownUser)
        {
            try
            {
                result = await ResolveAsync(asking, result, decision, request, user);
            }
            catch (RefusedException refused) when (refused.Code == ReplyCode.Denied)
            {
                refusal = refused.Message;
                result = result with { Allowed = false, Reason = refusal };
            }
        }

        byte[] output = request.Reply == ReplyForm.Frames
            ? JsonSerializer.SerializeToUtf8Bytes(result, CheckResultJson.Default.CheckResult)
            : Encoding.UTF8.GetBytes(CheckText.Of(result, explain: result.Rules is not null));
        await reply.WriteAsync(output);
        return new EndRecord
        {
            Code = result.Allowed ? ReplyCode.Ok : ReplyCode.Denied,
            Message = refusal,
            Job = request.Job,
            Stdout = output.Length,
        };
    }

    /// <summary>Applies the checks that follow the policy in a real run, with the same messages.</summary>
    private async ValueTask<CheckResult> ResolveAsync(
        Caller asking, CheckResult result, Decision decision, Request request, UserSelector user)
    {
        RegisteredJob job = catalog.Find(request.Job!)
            ?? throw new RefusedException(ReplyCode.UnknownJob, $"there is no job \"{request.Job}\"; pipeforkas list shows the jobs");
        Account account = decision.Account ?? throw new RefusedException(ReplyCode.UnknownUser, $"there is no user \"{user}\"");
        await accounts.ThrowIfDisabledAsync(account, asking.Bucket);
        JobOrder order = await orders.BuildAsync(asking.Bucket, job, request, account, decision.GrantsRoot);
        WorkerLimits limits = order.WorkerOrder.Limits;
        var told = new SortedDictionary<string, double>(StringComparer.Ordinal)
        {
            ["timeout"] = order.Timeout.TotalSeconds,
            ["openFiles"] = limits.OpenFiles,
            ["nice"] = limits.Nice,
        };
        foreach ((string name, long? limit) in new[]
        {
            ("cpuSeconds", limits.CpuSeconds), ("fileSize", limits.FileSize), ("coreSize", limits.CoreSize),
            ("outputLimit", order.OutputLimit),
            ("memoryMax", order.Group.MemoryMax), ("pidsMax", order.Group.PidsMax), ("cpuWeight", order.Group.CpuWeight),
        })
        {
            if (limit is { } value)
                told[name] = value;
        }

        return result with
        {
            Uid = account.Uid,
            Gid = account.Gid,
            Groups = account.Groups,
            Home = account.Home,
            Limits = told,
            Sandboxes = job.Description.Sandboxes,
        };
    }

    /// <summary>
    /// Returns the reason for root, who may know which jobs exist. If a rule names an unknown job, its name is probably misspelt.
    /// </summary>
    private string ReasonOf(Decision decision, string job) =>
        catalog.Find(job) is null ? $"there is no job \"{job}\"; {decision.Reason}" : decision.Reason;

    /// <summary>Returns another caller as if it had logged in now, with its groups from the user database.</summary>
    private async ValueTask<Caller> OtherAsync(Caller asking, string name)
    {
        if (asking.Uid != UserId.Root)
            throw new RefusedException(ReplyCode.Denied, "only root may check the requests of another caller");
        Account account = await users.FindAsync(UserSelector.Parse(name), asking.Bucket)
            ?? throw new RefusedException(ReplyCode.UnknownUser, $"there is no user \"{name}\"");
        GroupId[] groups = [.. account.Groups.Select(group => new GroupId(group))];
        return new Caller(new UserId(account.Uid), new GroupId(account.Gid), groups, asking.Pid) { Bucket = asking.Bucket };
    }
}
