using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;

namespace PipeForkAs.Daemon.Requests;

/// <summary>A worker that is taken for a job, with its streams and its slot. Disposing it releases all of them.</summary>
internal sealed class TakenWorker : IDisposable
{
    private readonly JobSlots.Slot slot;

    /// <param name="slot">The slot, which stays in use for a short time until no process of the job is left.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="stderr">A separate stream for stderr; null if stderr shares the stream of stdout.</param>
    /// <param name="user">The bucket of the target user.</param>
    public TakenWorker(JobSlots.Slot slot, ForkedWorker worker, StderrPair? stderr, Bucket user)
    {
        this.slot = slot;
        Worker = worker;
        Stderr = stderr;
        slot.KeepFor(user, worker.Leftovers);
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
