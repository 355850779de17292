using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>An answer that comes in parts.</summary>
internal sealed class PendingAnswer
{
    private readonly TaskCompletionSource<JobsAnswer?> whole = new();
    private readonly List<RunningJobStatus> jobs = [];

    /// <summary>Completes with the last part; null where it does not come.</summary>
    public Task<JobsAnswer?> Task => whole.Task;

    /// <summary>Adds a part.</summary>
    public void Add(JobsAnswer part)
    {
        jobs.AddRange(part.Jobs);
        if (!part.HasMore)
            Complete(part with { Jobs = jobs });
    }

    /// <summary>Completes it, the first time.</summary>
    public void Complete(JobsAnswer? answer) => whole.TrySetResult(answer);
}
