namespace PipeForkAs.Daemon.Isolation;

/// <summary>What may be left of a job that has ended.</summary>
/// <param name="Gone">Completes when no process of the job is left.</param>
/// <param name="Examined">
/// Completes when the daemon has looked for processes of the job, or cannot look. Until then, nothing is known of what is left: a scan of
/// thousands of processes takes its time.
/// </param>
internal readonly record struct Leftovers(Task Gone, Task Examined)
{
    /// <summary>Nothing is left.</summary>
    public static Leftovers None { get; } = new(Task.CompletedTask, Task.CompletedTask);
}
