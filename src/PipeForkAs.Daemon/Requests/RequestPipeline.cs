using System.Diagnostics;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Accounts;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Relaying;
using PipeForkAs.Daemon.Replying;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// The way of a request, top to bottom: receive, identify, authorize, take a forked worker with its streams, the worker becomes the
/// user and runs the job, relay, respond. Everything else is detail behind it.
/// </summary>
internal sealed class RequestPipeline(
    DaemonOptions options, JobCatalog catalog, IAuthorizer authorizer, AccountGate accounts, OrderBuilder orders, CheckHandler checkHandler, StatusHandler statusHandler, JobSlots slots, RunningJobs runningJobs,
    FairTurns turns, DescriptorCheck descriptors, UserBans bans, Audit audit, ILogger logger)
{
    /// <summary>How long, and how many bytes, a client that was refused may go on sending the input of its job.</summary>
    private static readonly TimeSpan LingerPatience = TimeSpan.FromSeconds(1);

    private const long LingerBytes = 64 * 1024 * 1024;

    /// <summary>How often the policy decides about one request while jobs are deployed.</summary>
    private const int MostDecisions = 3;

    private readonly MessageWriter writer = new(4096);

    /// <summary>Serves one client, to its end, and keeps one record of it: whatever came of it, and also where the client is gone.</summary>
    public async Task HandleAsync(Connection client)
    {
        var trail = new AuditTrail(client);
        try
        {
            await HandleAsync(client, trail);
        }
        finally
        {
            // The record of a long request takes as long as the request's reading did.
            await turns.EnterAsync(client.Caller.Bucket);
            audit.Write(trail);
        }
    }

    private async Task HandleAsync(Connection client, AuditTrail trail)
    {
        Reply reply = Reply.For(ReplyForm.Text, client);
        Request? request = null;
        EndRecord end;
        try
        {
            // Receive: one line of JSON; what follows it is the job's input.
            ReceivedRequest received = await RequestReader.ReceiveAsync(client, turns, options.Limits.RequestTimeout);
            trail.Request = request = received.Request;
            reply = Reply.For(request.Reply, client);
            RefuseWhere(runningJobs.Stopping);

            if (request.Operation == Operation.Run)
            {
                await await RunAsync(client, received, reply, trail);
                return;
            }

            end = await AnswerQueryAsync(client, request, reply, trail);
        }
        catch (RefusedException refused)
        {
            if (refused.Form is { } form)
                reply = Reply.For(form, client);
            end = new EndRecord { Code = refused.Code, Message = refused.Message, Job = request?.Job };
        }
        catch (UserLookupException noAnswer)
        {
            end = new EndRecord { Code = ReplyCode.Internal, Message = noAnswer.Message, Job = request?.Job };
        }
        catch (Exception failure) when (failure is SystemCallException or JobHostException)
        {
            Log.RequestBroke(logger, failure);
            end = new EndRecord { Code = ReplyCode.Internal, Message = failure.Message, Job = request?.Job };
        }

#pragma warning disable CA1031 // The request's edge: whatever it is, the client must not take silence for success.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.RequestBroke(logger, failure);
            if (trail.End is not null)
                throw;
            end = new EndRecord { Code = ReplyCode.Internal, Message = "something in the daemon failed; its log says what", Job = request?.Job };
        }

        await RespondAsync(client, reply, Conclude(client, trail, end), trail.Output?.AtLineStart ?? true);
    }

    private EndRecord Conclude(Connection client, AuditTrail trail, EndRecord end)
    {
        end = end with { Seconds = Math.Round(Stopwatch.GetElapsedTime(client.Accepted).TotalSeconds, 6) };
        trail.End = end;
        runningJobs.Counts.Answered(end.Code);
        return end;
    }

    private async Task RespondAsync(Connection client, Reply reply, EndRecord end, bool atLineStart)
    {
        using LoopTimer patience = Patience(client);
        await reply.EndAsync(end, atLineStart);
        if (end.Pid is null && end.Code != ReplyCode.Ok && !runningJobs.Stopping)
            await client.LingerAsync(LingerPatience, LingerBytes);
        client.Close();
    }

    private async ValueTask<EndRecord> AnswerQueryAsync(Connection client, Request request, Reply reply, AuditTrail trail)
    {
        // A reload takes as long as it takes; what limits its answer is told when it ends.
        using LoopTimer? patience = request.Operation == Operation.Reload ? null : Patience(client);
        return request.Operation switch
        {
            Operation.Check => await checkHandler.CheckAsync(client.Caller, request, reply, trail),
            Operation.List =>
                await ListHandler.ListAsync(catalog, options.Limits, await authorizer.KnownJobsAsync(client.Caller), request, reply),
            Operation.Describe =>
                await ListHandler.DescribeAsync(catalog, options.Limits, await authorizer.KnownJobsAsync(client.Caller), request, reply),
            Operation.Status => await statusHandler.StatusAsync(client.Caller, request, reply),
            Operation.Cancel => await statusHandler.CancelAsync(client.Caller, request),
            Operation.Reload => await statusHandler.ReloadAsync(client.Caller, reply),
            _ => throw new InvalidOperationException($"nobody answers {request.Operation}"),
        };
    }

    /// <summary>A client that does not read its answer has as long as the longest job; then its connection is another's.</summary>
    private LoopTimer Patience(Connection client) => client.Loop.Schedule(options.Limits.JobTimeout, client.Close);

    /// <summary>Runs a job. When that is done, what comes back completes when the client has its answer.</summary>
    private async Task<Task> RunAsync(Connection client, ReceivedRequest received, Reply reply, AuditTrail trail)
    {
        Request request = received.Request;
        string jobName = request.Job!;

        // Identify: the kernel told who it is when it connected; nothing that the client says about itself counts.
        Caller caller = client.Caller;
        UserSelector user = request.User is null ? UserSelector.ById(caller.Uid) : UserSelector.Parse(request.User);

        // Authorize: by name first. Only what the policy allows is looked up, and decided upon once more.
        audit.ThrowIfUnwritable();
        (RegisteredJob? found, Decision decision) = await DecideAsync(caller, jobName, user, request.Arguments);
        trail.Decision = decision;
        if (decision.Answer is not (Answer.Allowed or Answer.UnknownUser))
            throw new RefusedException(ReplyCode.Denied, PolicyRefusal.Message(caller, request));
        RegisteredJob job = found
            ?? throw new RefusedException(ReplyCode.UnknownJob, $"there is no job \"{jobName}\"; list shows those that there are");
        using JobHostPool.Lease lease = job.Host.Acquire();
        Account account = decision.Account ?? throw new RefusedException(ReplyCode.UnknownUser, $"there is no user \"{user}\"");
        bans.ThrowIfBanned(account);
        await accounts.PassAsync(account, caller.Bucket);
        JobOrder order = await orders.BuildAsync(caller.Bucket, job, request, account, decision.GrantsRoot);
        using JobSlots.Slot slot = await slots.TakeAsync(caller.Bucket, client.OnHungUp);
        RefuseWhere(runningJobs.AllEnded);

        // Take a forked worker, which has its streams. It becomes the user, runs the job, whose output goes to them, and exits.
        using StderrPair? stderr = reply.SeparatesStderr ? StderrPair.Create(descriptors) : null;
        ForkedWorker worker = await TakeWorkerAsync(client, job.Host, order.WorkerOrder.GrantsRoot);
        Bucket owner = Bucket.OfAccount(new UserId(account.Uid));
        slot.KeepFor(owner, worker.Gone);
        worker.BelongTo(owner);
        stderr?.Own.Peer = owner;
        using JobStreams streams = worker.TakeStreams();
        using InputRelay input = trail.Input = new InputRelay(client, streams.Stdin);
        using OutputRelay output = trail.Output = new OutputRelay(client, streams.Stdout, stderr?.Own, order.OutputLimit);
        using RunningJobs.Entry running = runningJobs.Add(
            new RunningJob(
                client.Loop, worker, job.Command is not null, input, output, order.Timeout, options.Limits.KillGrace, options.Limits.OrphanGrace),
            caller, jobName, account, worker);
        trail.Id = running.Id;

        // The kernel takes a process down in one go: on a processor that no other job wants, it waits with that until the client has its answer.
        bool awaitsAnswer = !reply.IncludesExit && job.Host.CountUnanswered() <= Environment.ProcessorCount;
        worker.Order(order.WorkerOrder with { AwaitsAnswer = awaitsAnswer, NeedsHome = decision.NeedsHome }, order.Group, writer, stderr?.Workers);
        stderr?.Workers.Dispose();
        client.OnHungUp(() => running.Job.End(EndReason.Cancelled));
        output.LimitReached = () => running.Job.End(EndReason.OutputLimit);
        output.DescriptorsSent = () => running.Job.End(EndReason.JobSentDescriptors);
        input.DescriptorsSent = () => running.Job.End(EndReason.ClientSentDescriptors);

        // Relay: the input until the client ends it, the output until the job does.
        _ = running.Job.GuardAsync(input.RunAsync(received.BeginningOfInput));
        Task relayed = output.RunAsync();

        // Respond: where the output is all, as soon as there is no more of it and all is well; else when it is known how the worker ended.
        bool responded = false;
        if (!reply.IncludesExit)
        {
            responded = await running.Job.ReportsSuccessAsync(relayed);
            if (responded)
            {
                client.Close();
                worker.Answered();
            }

            if (awaitsAnswer)
                worker.LetGo();
        }

        WorkerExited? exited = await running.Job.FinishAsync(relayed);
        var outcome = Outcome.Of(running.Job, job.Command?.Program, exited, exited is null ? default : worker.ReadReport());
        if (outcome.Code == ReplyCode.Internal)
            Log.WorkerFailed(logger, account.Name, outcome.Message!);
        var end = new EndRecord
        {
            Code = outcome.Code,
            Message = outcome.Message,
            Error = outcome.Error,
            Exit = exited is { BySignal: false } code ? code.Value : null,
            Signal = exited is { BySignal: true } signal ? signal.Value : null,
            Job = jobName,
            User = account.Name,
            Uid = account.Uid,
            Pid = worker.Pid.Value,
            Stdout = output.StdoutBytes,
            Stderr = output.StderrBytes,
            Cpu = exited?.CpuTime.TotalSeconds,
            MaxResidentBytes = exited?.MaxResidentBytes,
        };
        end = Conclude(client, trail, end);
        Task answered = responded ? Task.CompletedTask : RespondAsync(client, reply, end, output.AtLineStart);
        worker.Answered();
        return answered;
    }

    /// <summary>
    /// Decides about the job that is run then: one that is deployed during the decision may give other values to arguments that the request
    /// leaves out.
    /// </summary>
    private async ValueTask<(RegisteredJob? Job, Decision Decision)> DecideAsync(
        Caller caller, string job, UserSelector user, byte[]? arguments)
    {
        for (int attempt = 0; attempt < MostDecisions; attempt++)
        {
            RegisteredJob? found = catalog.Find(job);
            Decision decision = await authorizer.DecideAsync(caller, job, user, arguments);
            if (ReferenceEquals(catalog.Find(job), found))
                return (found, decision);
        }

        throw new RefusedException(ReplyCode.Busy, "jobs were deployed again and again during the decision; try again");
    }

    /// <summary>A worker, where the job is still to be run when there is one.</summary>
    private async ValueTask<ForkedWorker> TakeWorkerAsync(Connection client, JobHostPool host, bool forRoot)
    {
        ForkedWorker worker;
        try
        {
            worker = await host.TakeAsync(client.Caller.Bucket, options.Limits.RequestTimeout, forRoot, client.OnHungUp);
        }
        catch (OperationCanceledException) when (client.Watch.IsHungUp)
        {
            throw new RefusedException(ReplyCode.Cancelled, "the client went away; nothing was run");
        }
        catch (JobHostException) when (runningJobs.AllEnded)
        {
            throw new RefusedException(ReplyCode.ShuttingDown, "the daemon is stopping; nothing was run");
        }

        if (!client.Watch.IsHungUp && !runningJobs.AllEnded)
            return worker;
        worker.Release();
        RefuseWhere(runningJobs.AllEnded);
        throw new RefusedException(ReplyCode.Cancelled, "the client went away; nothing was run");
    }

    /// <summary>What came before the stop is still run; but not what waited for so long that all jobs have been ended meanwhile.</summary>
    private static void RefuseWhere(bool stopping)
    {
        if (stopping)
            throw new RefusedException(ReplyCode.ShuttingDown, "the daemon is stopping; nothing was run");
    }
}
