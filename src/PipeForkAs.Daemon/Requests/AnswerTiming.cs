using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Replying;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// Decides when the caller gets its reply in relation to the end of the worker. The kernel needs time to tear a process down. The caller
/// need not wait for that if its reply contains only the output and the job reports that it returned successfully.
/// </summary>
internal readonly struct AnswerTiming(ForkedWorker worker, Reply reply, JobHostPool host)
{
    /// <summary>
    /// Whether the worker waits before it exits until the caller has its reply. True if the reply may come first and no other job needs the
    /// processor.
    /// </summary>
    public bool WorkerWaits { get; } = !reply.IncludesExit && host.CountUnanswered() <= Environment.ProcessorCount;

    /// <summary>
    /// Replies once the output is relayed and the job reports that it returned successfully. Returns false if the reply must wait for the
    /// end of the worker.
    /// </summary>
    public async ValueTask<bool> AnswerEarlyAsync(Connection client, RunningJob job, Task relayed)
    {
        if (reply.IncludesExit)
            return false;
        bool isAnswered = await job.ReportsSuccessAsync(relayed);
        if (isAnswered)
        {
            client.Close();
            worker.Answered();
        }

        if (WorkerWaits)
            worker.LetGo();
        return isAnswered;
    }

    /// <summary>Marks the reply as sent, as far as the caller reads it, so that the processor is free for other work.</summary>
    public void Answered() => worker.Answered();
}
