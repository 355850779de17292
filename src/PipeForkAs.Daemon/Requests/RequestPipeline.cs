using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Replying;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// The way of a request, top to bottom: receive, identify, authorize, take a forked worker with its streams, the worker becomes the user
/// and runs the job, relay, respond. Everything else is detail of one of these stages.
/// </summary>
internal sealed class RequestPipeline(
    CurrentConfiguration configuration, JobAuthorization authorization, JobRunner runner, QueryHandlers queries, RequestRecords records,
    ILogger logger)
{
    /// <summary>How long, and how many bytes, a client that was refused may go on sending the input of its job.</summary>
    private static readonly TimeSpan LingerPatience = TimeSpan.FromSeconds(1);

    private const long LingerBytes = 64 * 1024 * 1024;

    /// <summary>Serves one client, to its end, and keeps one record of it, also where the client is gone.</summary>
    public async Task HandleAsync(Connection client)
    {
        var exchange = new Exchange(client);
        try
        {
            await HandleAsync(exchange);
        }
        finally
        {
            await records.KeepAsync(client, exchange.Trail);
        }
    }

    private async Task HandleAsync(Exchange exchange)
    {
        EndRecord end;
        try
        {
            await ReceiveAsync(exchange);
            if (exchange.Request.Operation == Operation.Run)
            {
                await RunAsync(exchange);
                await exchange.Answered;
                return;
            }

            end = await AnswerQueryAsync(exchange);
        }
        catch (RefusedException refused)
        {
            if (refused.Form is { } form)
                exchange.Reply = Reply.For(form, exchange.Client);
            end = new EndRecord { Code = refused.Code, Message = refused.Message, Job = exchange.JobName };
        }
        catch (UserLookupException noAnswer)
        {
            end = new EndRecord { Code = ReplyCode.Internal, Message = noAnswer.Message, Job = exchange.JobName };
        }
        catch (Exception failure) when (failure is SystemCallException or JobHostException)
        {
            Log.RequestBroke(logger, failure);
            end = new EndRecord { Code = ReplyCode.Internal, Message = failure.Message, Job = exchange.JobName };
        }

#pragma warning disable CA1031 // The request's edge: whatever it is, the client must not take silence for success.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.RequestBroke(logger, failure);
            if (exchange.Trail.End is not null)
                throw;
            const string Message = "something in the daemon failed; its log says what";
            end = new EndRecord { Code = ReplyCode.Internal, Message = Message, Job = exchange.JobName };
        }

        end = records.Conclude(exchange.Client, exchange.Trail, end);
        await RespondAsync(exchange, end, exchange.Trail.Output?.AtLineStart ?? true);
    }

    /// <summary>
    /// Runs a job, stage by stage. When this completes its worker is free, and the client may still be taking its answer.
    /// </summary>
    private async Task RunAsync(Exchange exchange)
    {
        (Caller caller, UserSelector user) = Identify(exchange);
        using AuthorizedJob job = await AuthorizeAsync(exchange, caller, user);
        using TakenWorker taken = await TakeAsync(exchange, job);
        var timing = new AnswerTiming(taken.Worker, exchange.Reply, job.Job.Host);
        using RunningJobs.Entry running = Become(exchange, job, taken, timing);
        Task relayed = Relay(exchange, running.Job);
        bool isAnswered = await timing.AnswerEarlyAsync(exchange.Client, running.Job, relayed);
        EndRecord end = records.Conclude(exchange.Client, exchange.Trail, await EndAsync(job, taken.Worker, running.Job, relayed));
        if (!isAnswered)
            exchange.Answered = RespondAsync(exchange, end, running.Job.Output.AtLineStart);
        timing.Answered();
    }

    /// <summary>Receive: one line of JSON; what follows it is the job's input.</summary>
    private async ValueTask ReceiveAsync(Exchange exchange)
    {
        Connection client = exchange.Client;
        exchange.Take(await RequestReader.ReceiveAsync(client, client.Turns, configuration.Limits.RequestTimeout));
        if (runner.RunningJobs.Stopping)
            throw new RefusedException(ReplyCode.ShuttingDown, "the daemon is stopping; nothing was run");
    }

    /// <summary>
    /// Identify: the kernel told who the caller is when it connected; nothing that the client says about itself counts. The user is the one
    /// that the request names, or the caller.
    /// </summary>
    private static (Caller Caller, UserSelector User) Identify(Exchange exchange)
    {
        Caller caller = exchange.Client.Caller;
        return (caller, exchange.Request.User is { } named ? UserSelector.Parse(named) : UserSelector.ById(caller.Uid));
    }

    /// <summary>Authorize: the policy decides, by name, before anything is looked up.</summary>
    private ValueTask<AuthorizedJob> AuthorizeAsync(Exchange exchange, Caller caller, UserSelector user) =>
        authorization.AuthorizeAsync(caller, user, exchange.Request, exchange.Trail);

    /// <summary>Take: a worker that was forked in advance, with its streams.</summary>
    private ValueTask<TakenWorker> TakeAsync(Exchange exchange, AuthorizedJob job) =>
        runner.TakeAsync(exchange.Client, job, exchange.Reply.SeparatesStderr);

    /// <summary>
    /// Become and run: the worker gets its order, becomes the user, runs the job, whose output goes to its streams, and exits.
    /// </summary>
    private RunningJobs.Entry Become(Exchange exchange, AuthorizedJob job, TakenWorker taken, AnswerTiming timing) =>
        runner.Start(exchange, job, taken, timing.WorkerWaits);

    /// <summary>Relay: the input until the client ends it, the output until the job does. Completes when the output is relayed.</summary>
    private static Task Relay(Exchange exchange, RunningJob job)
    {
        _ = job.GuardAsync(job.Input.RunAsync(exchange.BeginningOfInput));
        return job.Output.RunAsync();
    }

    /// <summary>Waits until it is known how the worker ended.</summary>
    private async ValueTask<EndRecord> EndAsync(AuthorizedJob job, ForkedWorker worker, RunningJob running, Task relayed)
    {
        WorkerExited? exited = await running.FinishAsync(relayed);
        var outcome = Outcome.Of(running, job.Job.Command?.Program, exited, exited is null ? default : worker.ReadReport());
        if (outcome.Code == ReplyCode.Internal)
            Log.WorkerFailed(logger, job.Account.Name, outcome.Message!);
        return new EndRecord
        {
            Code = outcome.Code,
            Message = outcome.Message,
            Error = outcome.Error,
            Exit = exited is { BySignal: false } code ? code.Value : null,
            Signal = exited is { BySignal: true } signal ? signal.Value : null,
            Job = job.Job.Description.Name,
            User = job.Account.Name,
            Uid = job.Account.Uid,
            Pid = worker.Pid.Value,
            Stdout = running.Output.StdoutBytes,
            Stderr = running.Output.StderrBytes,
            Cpu = exited?.CpuTime.TotalSeconds,
            MaxResidentBytes = exited?.MaxResidentBytes,
        };
    }

    /// <summary>Respond: exit code or signal, times, sizes.</summary>
    private async Task RespondAsync(Exchange exchange, EndRecord end, bool atLineStart)
    {
        Connection client = exchange.Client;
        using LoopTimer patience = Patience(client);
        await exchange.Reply.EndAsync(end, atLineStart);
        if (end.Pid is null && end.Code != ReplyCode.Ok && !runner.RunningJobs.Stopping)
            await client.LingerAsync(LingerPatience, LingerBytes);
        client.Close();
    }

    private async ValueTask<EndRecord> AnswerQueryAsync(Exchange exchange)
    {
        // A reload takes as long as it takes; what limits its answer is told when it ends.
        using LoopTimer? patience = exchange.Request.Operation == Operation.Reload ? null : Patience(exchange.Client);
        return await queries.AnswerAsync(exchange.Client, exchange.Request, exchange.Reply, exchange.Trail);
    }

    /// <summary>A client that does not read its answer has as long as the longest job; then its connection is another's.</summary>
    private LoopTimer Patience(Connection client) => client.Loop.Schedule(configuration.Limits.JobTimeout, client.Close);
}
