using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>The workers of a job host's process, from the fork until they may be reaped.</summary>
internal sealed class HostWorkers(HostProcess process, HostContext context, JobIsolation isolation, IHostProcessOwner owner)
{
    private readonly Dictionary<int, ForkedWorker> workers = [];

    /// <summary>Whether a worker was ever forked and placed.</summary>
    public bool HaveBeenForked { get; private set; }

    /// <summary>Creates the worker that a message announces. The worker owns the descriptors only if this returns.</summary>
    /// <exception cref="JobHostException">The process id belongs to a worker that is not reaped yet.</exception>
    public ForkedWorker Create(
        Forked message, FileDescriptor workerControl, FileDescriptor pidfd, FileDescriptor stdin, FileDescriptor stdout)
    {
        if (workers.ContainsKey(message.Pid))
            throw new JobHostException($"it forked a worker with the pid {message.Pid}, which belongs to a worker that is not reaped yet");

        // A process that has a copy of the worker's end can keep it open and send nothing. The loop must not wait for that.
        Libc.set_nonblocking(workerControl);
        UntrustedSocket control = context.Descriptors.Own(workerControl, InputKind.Messages);
        JobStreams streams = JobStreams.Create(context.Descriptors, stdin, stdout);
        var pid = new ProcessId(message.Pid);
        return new ForkedWorker(process, pid, control, pidfd, streams, isolation.For(pid));
    }

    /// <summary>Places a worker, and hands it to the owner.</summary>
    public void Admit(ForkedWorker worker)
    {
        workers.Add(worker.Pid.Value, worker);

        // If the job host dies, its workers become the daemon's children. The daemon kills what is left of their groups before their ids
        // become free.
        context.Reaper.Register(worker.Pid, _ => worker.BeforeReap());
        if (isolation.PlacingBlocks)
            context.Loop.Start(() => PlaceAsync(worker));
        else
            HandOut(worker);
    }

    /// <summary>Removes a released worker. Returns false if it was removed before.</summary>
    public bool Remove(ForkedWorker worker) => workers.Remove(worker.Pid.Value);

    /// <summary>Processes the message that a worker ended.</summary>
    public void TakeExited(WorkerExited message)
    {
        // The daemon released this worker before the worker ended, and the job host sent this message before it read the release. The
        // message cannot mean a later worker with the same process id, because the id becomes free only after the job host reads the
        // release.
        if (!workers.TryGetValue(message.Pid, out ForkedWorker? worker))
            return;
        worker.MarkEnded(message);
        owner.WorkerEnded(worker);
    }

    /// <summary>Ends all workers after the process is lost. How they ended is unknown.</summary>
    public void EndAll()
    {
        foreach (ForkedWorker worker in workers.Values)
        {
            // The taker of the worker releases it, and owns its descriptors until then.
            context.Loop.Guard(() => worker.Signal(Signal.SIGKILL));
            context.Loop.Guard(() => worker.MarkEnded(null));
        }

        workers.Clear();
    }

    private async Task PlaceAsync(ForkedWorker worker)
    {
        Exception? failure = null;
        try
        {
            await Task.Run(worker.Place);
        }
        catch (Exception refused) when (refused is SystemCallException or IsolationException)
        {
            failure = refused;
        }

        if (!process.IsReady)
        {
            worker.Release();
        }
        else if (failure is not null)
        {
            worker.Release();
            owner.ForkFailed($"the worker could not be isolated: {failure.Message}");
        }
        else
        {
            HandOut(worker);
        }
    }

    private void HandOut(ForkedWorker worker)
    {
        HaveBeenForked = true;
        owner.Forked(worker);
    }
}
