using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>All processes of a job: the worker and all its descendants, even if they try to escape.</summary>
internal abstract class JobProcesses
{
    private readonly TaskCompletionSource gone = new(), examined = new();

    /// <summary>Completes when the processes were released, and none is left.</summary>
    public Task Gone => gone.Task;

    /// <summary>What may be left after the release.</summary>
    public Leftovers Leftovers => new(gone.Task, examined.Task);

    /// <summary>When the processes were first killed; a timestamp of the loop. Null if they were not.</summary>
    public long? KilledAt { get; protected set; }

    /// <summary>
    /// Puts the worker into a place that its descendants cannot leave. Can block: call it off the loop if
    /// <see cref="JobIsolation.PlacingBlocks"/> is true.
    /// </summary>
    /// <exception cref="SystemCallException">The worker cannot be put there.</exception>
    /// <exception cref="IsolationException">The place is taken.</exception>
    public abstract void Place();

    /// <summary>
    /// Sets the limits; called just before the worker gets its order. Returns the order with what the worker itself must do to apply the
    /// limits.
    /// </summary>
    /// <exception cref="SystemCallException">A limit cannot be set.</exception>
    public abstract WorkerOrder Begin(WorkerOrder order, GroupLimits limits);

    /// <summary>Called when the worker has ended by itself.</summary>
    public virtual void WorkerEnded()
    {
    }

    /// <summary>
    /// Claims the leftover processes of the ended worker for a grace period: until it is over, they do not end with another job.
    /// </summary>
    public virtual void ClaimOrphans()
    {
    }

    /// <summary>Called just before the worker is reaped: after that, another process can have its process id.</summary>
    public abstract void WorkerReaped();

    /// <summary>Kills all of the processes, and those that they start meanwhile. Does not wait for their end.</summary>
    public abstract void Kill();

    /// <summary>Returns the current processes; incomplete if some are just starting or ending. Can block: not for the loop.</summary>
    public abstract IReadOnlyCollection<int> Living();

    /// <summary>Completes <see cref="Gone"/>.</summary>
    public void MarkGone()
    {
        gone.TrySetResult();
        MarkExamined();
    }

    /// <summary>Completes <see cref="Leftovers.Examined"/>.</summary>
    public void MarkExamined() => examined.TrySetResult();

    /// <summary>Kills the remaining processes, and forgets them. Does not wait for their end.</summary>
    /// <param name="mayReap">
    /// Called once, on the loop, when the worker may be reaped: until then its number helps to find the other processes.
    /// </param>
    public abstract void Release(Action mayReap);
}
