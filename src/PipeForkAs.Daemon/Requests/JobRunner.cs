using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Takes workers for authorized jobs, and sends them their orders.</summary>
/// <param name="configuration">Defines how long a request waits for a worker.</param>
/// <param name="slots">Limits the number of simultaneous jobs.</param>
/// <param name="runningJobs">The running jobs.</param>
/// <param name="descriptors">Refuses descriptors that jobs send.</param>
internal sealed class JobRunner(CurrentConfiguration configuration, JobSlots slots, RunningJobs runningJobs, DescriptorCheck descriptors)
{
    private readonly MessageWriter writer = new(4096);

    public RunningJobs RunningJobs => runningJobs;

    /// <summary>Takes a worker with the streams of the job. Waits for a slot, and for a fork if no worker is ready.</summary>
    /// <exception cref="RefusedException">There is no slot, the caller disconnected, or the daemon is stopping.</exception>
    /// <exception cref="JobHostException">The fork failed or timed out.</exception>
    /// <exception cref="SystemCallException">The process ran out of descriptors.</exception>
    public async ValueTask<TakenWorker> TakeAsync(Connection client, AuthorizedJob job, bool separatesStderr)
    {
        JobSlots.Slot slot = await slots.TakeAsync(client.Caller.Bucket, client.OnHungUp);
        StderrPair? stderr = null;
        ForkedWorker? worker = null;
        try
        {
            ThrowIfAllEnded();
            stderr = separatesStderr ? StderrPair.Create(descriptors) : null;
            worker = await TakeWorkerAsync(client, job);
            return new TakenWorker(slot, worker, stderr, Bucket.OfAccount(new UserId(job.Account.Uid)));
        }
        catch
        {
            worker?.Release();
            stderr?.Dispose();
            slot.Dispose();
            throw;
        }
    }

    /// <summary>Sends a worker its order; the worker then becomes the user and runs the job. Disposing the result ends the job.</summary>
    /// <param name="exchange">The request. The job is cancelled if the caller disconnects.</param>
    /// <param name="job">The job.</param>
    /// <param name="taken">The worker.</param>
    /// <param name="awaitsAnswer">Whether the worker waits before it exits until the caller has its reply.</param>
    /// <exception cref="SystemCallException">The order cannot be sent, or a limit cannot be set.</exception>
    public RunningJobs.Entry Start(Exchange exchange, AuthorizedJob job, TakenWorker taken, bool awaitsAnswer)
    {
        Connection client = exchange.Client;
#pragma warning disable CA2000 // The receiver owns it and closes it.
        var running = new RunningJob(client, taken, job.Job.Command is not null, job.Order, configuration.Limits);
#pragma warning restore CA2000
        RunningJobs.Entry entry = runningJobs.Add(running, client.Caller, job.Job.Description.Name, job.Account, taken.Worker);
        (exchange.Trail.Input, exchange.Trail.Output, exchange.Trail.Id) = (running.Input, running.Output, entry.Id);
        try
        {
            WorkerOrder order = job.Order.WorkerOrder with { AwaitsAnswer = awaitsAnswer, NeedsHome = job.Decision.NeedsHome };
            taken.Worker.Order(order, job.Order.Group, writer, taken.Stderr?.Workers);
            taken.Stderr?.Workers.Dispose();
            client.OnHungUp(() => running.End(EndReason.Cancelled));
            return entry;
        }
        catch
        {
            entry.Dispose();
            throw;
        }
    }

    /// <summary>Takes a worker, and checks that the job must still run by then.</summary>
    private async ValueTask<ForkedWorker> TakeWorkerAsync(Connection client, AuthorizedJob job)
    {
        ForkedWorker worker;
        try
        {
            worker = await job.Job.Host.TakeAsync(
                client.Caller.Bucket, configuration.Limits.RequestTimeout, job.Order.WorkerOrder.GrantsRoot, client.OnHungUp);
        }
        catch (OperationCanceledException) when (client.Watch.IsHungUp)
        {
            throw new RefusedException(ReplyCode.Cancelled, "the client disconnected; nothing was run");
        }
        catch (JobHostException) when (runningJobs.AllEnded)
        {
            throw new RefusedException(ReplyCode.ShuttingDown, "the daemon is stopping; nothing was run");
        }

        if (!client.Watch.IsHungUp && !runningJobs.AllEnded)
            return worker;
        worker.Release();
        ThrowIfAllEnded();
        throw new RefusedException(ReplyCode.Cancelled, "the client disconnected; nothing was run");
    }

    /// <summary>
    /// Refuses a request that waited until the daemon had ended all jobs. Other requests that arrived before the stop still run.
    /// </summary>
    private void ThrowIfAllEnded()
    {
        if (runningJobs.AllEnded)
            throw new RefusedException(ReplyCode.ShuttingDown, "the daemon is stopping; nothing was run");
    }
}
