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
/// The stages of a request, from top to bottom: receive, identify, authorize, take a forked worker with its streams, let the worker become
/// the user and run the job, relay, respond. All other code is a detail of one of these stages.
/// </summary>
internal sealed class RequestPipeline(
    CurrentConfiguration configuration, JobAuthorization authorization, JobRunner runner, QueryHandlers queries, RequestRecords records,
    ILogger logger)
{
    /// <summary>The longest time, and the most bytes, for which a refused caller may continue to send the input of its job.</summary>
    private static readonly TimeSpan LingerPatience = TimeSpan.FromSeconds(1);

    private const long LingerBytes = 64 * 1024 * 1024;

    /// <summary>Serves one connection until it ends, and writes one audit record, even if the caller is gone.</summary>
    public async Task HandleAsync(Connection client)
    {
        var exchange = new Exchange(client);
        try
        {
            await HandleAsync(exchange);
        }
        finally
        {
            exchange.ForgetPassword();
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

#pragma warning disable CA1031 // The edge of the request: after any failure, the caller must not mistake silence for success.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.RequestBroke(logger, failure);
            if (exchange.Trail.End is not null)
                throw;
            const string Message = "the request failed in the daemon; see the daemon's log";
            end = new EndRecord { Code = ReplyCode.Internal, Message = Message, Job = exchange.JobName };
        }

        end = records.Conclude(exchange.Client, exchange.Trail, end);
        await RespondAsync(exchange, end, exchange.Trail.Output?.AtLineStart ?? true);
    }

    /// <summary>Runs a job, stage by stage. On completion the worker is free, but the caller may still be reading its reply.</summary>
    private async Task RunAsync(Exchange exchange)
    {
        (Caller caller, UserSelector user) = Identify(exchange);
        using AuthorizedJob job = await AuthorizeAsync(exchange, caller, user);
        using TakenWorker taken = await TakeAsync(exchange, job);
        var timing = new AnswerTiming(taken.Worker, exchange.Reply, job.Job.Host);
        using RunningJobs.Entry running = Become(exchange, job, taken, timing);
        Task relayed = Relay(exchange, running.Job);
        bool isAnswered = await timing.AnswerEarlyAsync(exchange.Client, running.Job, relayed);
        EndRecord end = await EndAsync(job, taken.Worker, running.Job, relayed);
        end = records.Conclude(exchange.Client, exchange.Trail, end, job.Job.Description.Kind);
        if (!isAnswered)
            exchange.Answered = RespondAsync(exchange, end, running.Job.Output.AtLineStart);
        timing.Answered();
    }

    /// <summary>Receive: reads one line of JSON. The bytes after it are the job's input.</summary>
    private async ValueTask ReceiveAsync(Exchange exchange)
    {
        Connection client = exchange.Client;
        exchange.Take(await RequestReader.ReceiveAsync(client, client.Turns, configuration.Limits.RequestTimeout));
        if (runner.RunningJobs.Stopping)
            throw new RefusedException(ReplyCode.ShuttingDown, "the daemon is stopping; nothing was run");
    }

    /// <summary>
    /// Identify: takes the caller's ids from the kernel, which attested them when the caller connected. The daemon trusts no claim of the
    /// caller about itself. The target user is the user in the request, or otherwise the caller.
    /// </summary>
    private static (Caller Caller, UserSelector User) Identify(Exchange exchange)
    {
        Caller caller = exchange.Client.Caller;
        return (caller, exchange.Request.User is { } named ? UserSelector.Parse(named) : UserSelector.ById(caller.Uid));
    }

    /// <summary>Authorize: evaluates the policy by names, before any lookup.</summary>
    private ValueTask<AuthorizedJob> AuthorizeAsync(Exchange exchange, Caller caller, UserSelector user) =>
        authorization.AuthorizeAsync(caller, user, exchange.Request, exchange.Trail);

    /// <summary>Take: gets a worker with its streams, if possible one that was forked in advance.</summary>
    private ValueTask<TakenWorker> TakeAsync(Exchange exchange, AuthorizedJob job) =>
        runner.TakeAsync(exchange.Client, job, exchange.Reply.SeparatesStderr);

    /// <summary>
    /// Become and run: sends the worker its order. The worker becomes the user, runs the job, whose output goes to the worker's streams,
    /// and exits.
    /// </summary>
    private RunningJobs.Entry Become(Exchange exchange, AuthorizedJob job, TakenWorker taken, AnswerTiming timing) =>
        runner.Start(exchange, job, taken, timing.WorkerWaits);

    /// <summary>
    /// Relay: moves the input until the caller ends it, and the output until the job ends it. Completes when the output is relayed.
    /// </summary>
    private static Task Relay(Exchange exchange, RunningJob job)
    {
        _ = job.GuardAsync(job.Input.RunAsync(exchange.BeginningOfInput));
        return job.Output.RunAsync();
    }

    /// <summary>Waits for the end of the worker, and creates the end record.</summary>
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

    /// <summary>Respond: sends the exit code or signal, the times and the sizes.</summary>
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
        // A reload has no time limit here, and a sign-in has its own. The limit for reading the reply starts when they end.
        using LoopTimer? patience =
            exchange.Request.Operation is Operation.Reload or Operation.SignIn ? null : Patience(exchange.Client);
        return await queries.AnswerAsync(exchange.Client, exchange.Received, exchange.Reply, exchange.Trail);
    }

    /// <summary>
    /// Closes the connection of a caller that does not read its reply within the longest job timeout. Then another caller can use its
    /// place.
    /// </summary>
    private LoopTimer Patience(Connection client) => client.Loop.Schedule(configuration.Limits.JobTimeout, client.Close);
}
