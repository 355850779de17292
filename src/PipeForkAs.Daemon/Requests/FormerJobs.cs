using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Upgrading;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Requests;

/// <summary>The jobs that still run in the former daemon, for the requests of callers.</summary>
/// <param name="former">The former daemon; null for none.</param>
/// <param name="turns">Shares the loop's time between callers.</param>
internal sealed class FormerJobs(Predecessor? former, FairTurns turns)
{
    /// <summary>The process of the former daemon; null for none.</summary>
    public ProcessId? Daemon => former?.Pid;

    /// <summary>Whether there is no former daemon, or it has no job any more.</summary>
    public bool AreNone => former is null || former.HasNoJobs;

    /// <summary>Requests the jobs that a caller may know, or the end of one of them.</summary>
    /// <param name="caller">The caller.</param>
    /// <param name="cancel">The id of the job to end; null for none.</param>
    /// <returns>The answer; null if there is no former daemon, or it has ended or does not answer in time.</returns>
    public async ValueTask<JobsAnswer?> AskAsync(Caller caller, long? cancel)
    {
        if (former is null)
            return null;
        JobsAnswer? answer = await former.AskAsync(caller.Bucket, caller.Uid, cancel);

        // Several callers may wait for the same answer. Each of them continues in its turn.
        await turns.EnterAsync(caller.Bucket);
        return answer;
    }
}
