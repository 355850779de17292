using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;

namespace PipeForkAs.Daemon.Requests;

/// <summary>A worker that was taken for a job, with its streams and its slot. Disposing it releases all of them.</summary>
internal sealed class TakenWorker : IDisposable
{
    private readonly JobSlots.Slot slot;

    /// <param name="slot">Stays taken, for a short time, until nothing is left of the job.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="stderr">A stream for stderr alone; null where it goes where stdout goes.</param>
    /// <param name="user">The bucket of the user that the worker becomes.</param>
    public TakenWorker(JobSlots.Slot slot, ForkedWorker worker, StderrPair? stderr, Bucket user)
    {
        this.slot = slot;
        Worker = worker;
        Stderr = stderr;
        slot.KeepFor(user, worker.Gone);
        worker.AssignTo(user);
        stderr?.Own.Peer = user;
        Streams = worker.TakeStreams();
    }

    public ForkedWorker Worker { get; }

    public JobStreams Streams { get; }

    public StderrPair? Stderr { get; }

    public void Dispose()
    {
        try
        {
            Worker.Release();
        }
        finally
        {
            Streams.Dispose();
            Stderr?.Dispose();
            slot.Dispose();
        }
    }
}
