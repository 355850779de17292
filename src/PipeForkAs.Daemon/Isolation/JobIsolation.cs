using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Isolation;

/// <summary>How the processes of a job are kept together: by a control group each, or by looking for them where there are none.</summary>
internal abstract class JobIsolation
{
    /// <summary>Whether <see cref="JobProcesses.Place"/> may block, and must be called off the loop.</summary>
    public abstract bool PlacingBlocks { get; }

    /// <summary>Whether control groups limit a job's memory.</summary>
    public virtual bool LimitsMemory => false;

    /// <summary>Whether control groups limit how many processes a job has.</summary>
    public virtual bool LimitsProcesses => false;

    /// <summary>For a worker that was forked just now.</summary>
    public abstract JobProcesses For(ProcessId worker);

    /// <summary>Ends what an earlier daemon left behind. What cannot be killed is waited for a moment only.</summary>
    /// <param name="left">
    /// Called on the loop where processes do not end for a moment: with the user of some of them, and what completes when nothing is left
    /// of that job.
    /// </param>
    public virtual Task ClearAsync(Action<UserId, Task> left) => Task.CompletedTask;

    /// <summary>A daemon from which this one took over has ended: takes away what it made.</summary>
    /// <param name="left">The same as for <see cref="ClearAsync"/>.</param>
    public virtual void FormerDaemonEnded(Action<UserId, Task> left)
    {
    }

    /// <summary>All jobs have ended: waits a short time for their last processes, and takes away what was made here.</summary>
    public virtual Task StopAsync() => Task.CompletedTask;
}
