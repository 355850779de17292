using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>
/// Keeps the processes of a job together: by one control group for each job, or by scans of /proc if there are no control groups.
/// </summary>
internal abstract class JobIsolation
{
    /// <summary>Whether <see cref="JobProcesses.Place"/> can block, and must be called off the loop.</summary>
    public abstract bool PlacingBlocks { get; }

    /// <summary>Whether control groups limit the memory of a job.</summary>
    public virtual bool LimitsMemory => false;

    /// <summary>Whether control groups limit the number of processes of a job.</summary>
    public virtual bool LimitsProcesses => false;

    /// <summary>Returns the processes of the job of a new worker.</summary>
    public abstract JobProcesses For(ProcessId worker);

    /// <summary>Ends the leftover processes of an earlier daemon. Waits only a moment for processes that cannot be killed.</summary>
    /// <param name="left">
    /// Called on the loop if processes do not end within that moment: with the user of some of them, and a task that completes when none of
    /// that job is left.
    /// </param>
    public virtual Task ClearAsync(Action<UserId, Task> left) => Task.CompletedTask;

    /// <summary>Removes what a former daemon made; called when that daemon, from which this one took over, has ended.</summary>
    /// <param name="left">As for <see cref="ClearAsync"/>.</param>
    public virtual void FormerDaemonEnded(Action<UserId, Task> left)
    {
    }

    /// <summary>
    /// Waits a short time for the last processes of jobs, and removes what this object made; called when all jobs have ended.
    /// </summary>
    public virtual Task StopAsync() => Task.CompletedTask;
}
