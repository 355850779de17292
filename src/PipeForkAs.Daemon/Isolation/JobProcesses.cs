using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>All processes of a job: the worker and whatever it starts, whatever these do to get away.</summary>
internal abstract class JobProcesses
{
    private readonly TaskCompletionSource gone = new();

    /// <summary>Completes when they were released, and nothing is left of them.</summary>
    public Task Gone => gone.Task;

    /// <summary>When they were first killed; a time stamp of the loop's. Null where they were not.</summary>
    public long? KilledAt { get; protected set; }

    /// <summary>
    /// Puts the worker in place, from where its descendants cannot leave. May block: called off the loop where
    /// <see cref="JobIsolation.PlacingBlocks"/>.
    /// </summary>
    /// <exception cref="SystemCallException">It cannot be put there.</exception>
    /// <exception cref="IsolationException">The place is taken.</exception>
    public abstract void Place();

    /// <summary>The worker gets its order next. Returns it with what the worker itself must do, so that the limits hold.</summary>
    /// <exception cref="SystemCallException">A limit cannot be set.</exception>
    public abstract WorkerOrder Begin(WorkerOrder order, GroupLimits limits);

    /// <summary>The worker has ended by itself.</summary>
    public virtual void WorkerEnded()
    {
    }

    /// <summary>What the worker, which has ended, left behind has a grace: until then it ends with no other job.</summary>
    public virtual void ClaimOrphans()
    {
    }

    /// <summary>The worker is reaped next: its process id may be another's from now on.</summary>
    public abstract void WorkerReaped();

    /// <summary>Kills all of them, and whatever they start meanwhile. Does not wait for that.</summary>
    public abstract void Kill();

    /// <summary>The processes that there are now; incomplete where some just come or go. May block: not for the loop.</summary>
    public abstract IReadOnlyCollection<int> Living();

    /// <summary>Completes <see cref="Gone"/>.</summary>
    public void MarkGone() => gone.TrySetResult();

    /// <summary>Kills what is left, and forgets them. Does not wait for that.</summary>
    /// <param name="mayReap">Called once, on the loop, when the worker may be reaped: until then its number helps to find the rest.</param>
    public abstract void Release(Action mayReap);
}
