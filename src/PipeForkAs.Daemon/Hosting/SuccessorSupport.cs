using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Upgrading;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Hosting;

/// <summary>Provides what the new daemon that takes over from this one requests.</summary>
internal sealed class SuccessorSupport(DaemonParts parts) : ISuccessorOwner
{
    private RunningJobs Running => parts.Running;

    /// <inheritdoc/>
    public bool IsStopping => parts.Lifecycle.IsStopping;

    /// <inheritdoc/>
    public long HandOver()
    {
        parts.Lifecycle.Acceptor!.HandOver();

        // Each connected caller may still begin one job.
        return Running.NextId + parts.Connections.Count;
    }

    /// <inheritdoc/>
    public void StopWasAsked() => parts.Lifecycle.StopWithService();

    /// <inheritdoc/>
    public ValueTask TurnAsync() => parts.Turns.EnterAsync(Bucket.Root);

    /// <inheritdoc/>
    public async Task<JobsAnswer> AnswerAsync(JobsQuestion question)
    {
        var caller = new UserId(question.Caller);
        await parts.Turns.EnterAsync(Bucket.Root);
        bool isCancelled = question.Cancel is { } id && Running.Cancel(id, caller);
        JobsAnswer? others = parts.Context.Upgrade.Predecessor is { } former && !isCancelled
            ? await former.AskAsync(Bucket.Root, caller, question.Cancel)
            : null;
        await parts.Turns.EnterAsync(Bucket.Root);
        return new JobsAnswer(
            question.Number, question.Cancel is null ? [.. others?.Jobs ?? [], .. Running.KnownTo(caller)] : [],
            Running.Counts.Running + (others?.Running ?? 0), isCancelled || others is { IsCancelled: true }, HasMore: false);
    }

    /// <inheritdoc/>
    public void SuccessorDied(ProcessId pid) => Log.SuccessorDied(parts.Context.Logger, pid.Value);
}
