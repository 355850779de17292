using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>An answer that arrives in parts.</summary>
internal sealed class PendingAnswer
{
    private readonly TaskCompletionSource<JobsAnswer?> whole = new();
    private readonly List<RunningJobStatus> jobs = [];

    /// <summary>Completes with the last part. The result is null if the answer does not arrive.</summary>
    public Task<JobsAnswer?> Task => whole.Task;

    public void Add(JobsAnswer part)
    {
        jobs.AddRange(part.Jobs);
        if (!part.HasMore)
            Complete(part with { Jobs = jobs });
    }

    /// <summary>Completes the answer. Only the first call has an effect.</summary>
    public void Complete(JobsAnswer? answer) => whole.TrySetResult(answer);
}
