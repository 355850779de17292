using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Replying;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// When the client gets its answer, beside the end of the worker: the kernel takes a process down in one go, and a client need not wait for
/// that where its reply says no more than the output and the job says that it returned well.
/// </summary>
internal readonly struct AnswerTiming(ForkedWorker worker, Reply reply, JobHostPool host)
{
    /// <summary>
    /// Whether the worker waits with its end until the client has its answer: it does where the answer may come first, and no other job
    /// wants the processor.
    /// </summary>
    public bool WorkerWaits { get; } = !reply.IncludesExit && host.CountUnanswered() <= Environment.ProcessorCount;

    /// <summary>
    /// Answers once the output is relayed and the job says that it returned well. False where the answer waits for the worker.
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

    /// <summary>The answer is sent, as far as the client takes it: there is time for other work.</summary>
    public void Answered() => worker.Answered();
}
