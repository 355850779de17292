using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>The workers of a job host's process, from their fork until they may be reaped.</summary>
internal sealed class HostWorkers(HostProcess process, HostContext context, JobIsolation isolation, IHostProcessOwner owner)
{
    private readonly Dictionary<int, ForkedWorker> workers = [];

    /// <summary>Whether one was ever forked and put in its place.</summary>
    public bool HaveBeenForked { get; private set; }

    /// <summary>Makes the worker of a message. It owns its descriptors when this returns and not before.</summary>
    /// <exception cref="JobHostException">It has the number of one that is not reaped.</exception>
    public ForkedWorker Create(
        Forked message, FileDescriptor workerControl, FileDescriptor pidfd, FileDescriptor stdin, FileDescriptor stdout)
    {
        if (workers.ContainsKey(message.Pid))
            throw new JobHostException($"it forked a worker with the number {message.Pid}, which one has that is not reaped");

        // Whoever got hold of the worker's end can keep it open and say nothing: the loop must not wait for that.
        Libc.set_nonblocking(workerControl);
        UntrustedSocket control = context.Descriptors.Own(workerControl, InputKind.Messages);
        JobStreams streams = JobStreams.Create(context.Descriptors, stdin, stdout);
        var pid = new ProcessId(message.Pid);
        return new ForkedWorker(process, pid, control, pidfd, streams, isolation.For(pid));
    }

    /// <summary>Puts a worker in its place, and hands it to the owner.</summary>
    public void Admit(ForkedWorker worker)
    {
        workers.Add(worker.Pid.Value, worker);

        // Should the job host die, its workers become the daemon's children: what is left of their groups ends before their ids are free.
        context.Reaper.Register(worker.Pid, _ => worker.BeforeReap());
        if (isolation.PlacingBlocks)
            context.Loop.Start(() => PlaceAsync(worker));
        else
            HandOut(worker);
    }

    /// <summary>Forgets a worker that is released. False where it was forgotten before.</summary>
    public bool Remove(ForkedWorker worker) => workers.Remove(worker.Pid.Value);

    /// <summary>A worker ended.</summary>
    public void TakeExited(WorkerExited message)
    {
        // A worker that was let go before its end: the job host said this before it read that. It cannot be meant for a later
        // worker of the same number, which is free only when that was read.
        if (!workers.TryGetValue(message.Pid, out ForkedWorker? worker))
            return;
        worker.MarkEnded(message);
        owner.WorkerEnded(worker);
    }

    /// <summary>The process is lost: its workers die, and nobody can say how.</summary>
    public void EndAll()
    {
        foreach (ForkedWorker worker in workers.Values)
        {
            // Whoever took it releases it; its descriptors are that one's until then.
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
            owner.ForkFailed($"the worker has no place of its own: {failure.Message}");
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
