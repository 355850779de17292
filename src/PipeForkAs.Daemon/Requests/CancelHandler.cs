using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Upgrading;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// Answers <c>cancel</c>: confirms that a job is being ended. The connection that runs the job gets its own reply when the job has ended.
/// Root ends every job; other callers end only their own jobs, for any target user.
/// </summary>
internal sealed class CancelHandler(RunningJobs running, FormerJobs former)
{
    /// <summary>Answers the request.</summary>
    /// <exception cref="RefusedException">
    /// The caller has no such job; the message is the same if the job does not exist and if it belongs to another caller. Or a former
    /// daemon does not answer.
    /// </exception>
    public async ValueTask<EndRecord> CancelAsync(Caller caller, Request request) => await IsCancelledAsync(caller, request.Id!.Value)
        ? new EndRecord { Code = ReplyCode.Ok }
        : throw new RefusedException(ReplyCode.UnknownJob, $"you have no running job {request.Id}; pipeforkas status lists your jobs");

    private async ValueTask<bool> IsCancelledAsync(Caller caller, long id)
    {
        if (running.Cancel(id, caller.Uid))
            return true;
        if (former.AreNone)
            return false;
        JobsAnswer? answer = await former.AskAsync(caller, id);
        return answer?.IsCancelled ?? (former.AreNone
            ? false
            : throw new RefusedException(ReplyCode.Busy, "the former daemon, whose jobs still run, does not answer; try again"));
    }
}
