using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>
/// Sends the questions of callers to a former daemon. Only a few questions are pending at once, and the buckets take turns. Equal questions
/// of one caller that wait to be sent are sent once. So a caller cannot fill the channel, keep the loop of the other daemon busy, or delay
/// the answers to others. Used on the loop.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="send">Sends a question.</param>
internal sealed class JobsQuestions(Loop loop, Action<JobsQuestion> send)
{
    /// <summary>The maximum numbers of unanswered questions, in total and for one bucket.</summary>
    internal const int Places = 4, PlacesPerBucket = 2;

    /// <summary>The longest time to wait for an answer.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>The longest time that an unanswered question keeps its place. The other daemon may have failed to answer.</summary>
    private static readonly TimeSpan LongestPatience = TimeSpan.FromSeconds(10);

    private readonly FairGate gate = new(loop, Places, PlacesPerBucket);
    private readonly Dictionary<(UserId, long?), TaskCompletionSource<JobsAnswer?>> waiting = [];
    private readonly Dictionary<long, PendingAnswer> sent = [];
    private long last;

    /// <summary>Whether the former daemon has closed the channel. It does so when it ends, after its last job.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Requests the jobs that a caller may know, or the end of one of them.</summary>
    /// <param name="bucket">The bucket that uses its turn.</param>
    /// <param name="caller">The caller.</param>
    /// <param name="cancel">The id of the job to end; null for none.</param>
    /// <returns>The answer; null if there is no answer within <see cref="Patience"/>.</returns>
    public async Task<JobsAnswer?> AskAsync(Bucket bucket, UserId caller, long? cancel)
    {
        if (IsClosed)
            return null;
        var givenUp = new TaskCompletionSource();
        using LoopTimer deadline = loop.Schedule(Patience, givenUp.SetResult);

        // Share only a question that is not sent yet: the answer to a sent question may be older than this call.
        if (!waiting.TryGetValue((caller, cancel), out TaskCompletionSource<JobsAnswer?>? answer))
        {
            waiting.Add((caller, cancel), answer = new TaskCompletionSource<JobsAnswer?>());
            loop.Start(() => AskInTurnAsync(bucket, caller, cancel, answer, givenUp.Task));
        }

        return await Task.WhenAny(answer.Task, givenUp.Task) == answer.Task ? await answer.Task : null;
    }

    /// <summary>Receives an answer, or one part of it.</summary>
    public void Take(JobsAnswer answer)
    {
        if (sent.TryGetValue(answer.Number, out PendingAnswer? asked))
            asked.Add(answer);
    }

    /// <summary>Completes all pending questions without an answer, because no more answers come.</summary>
    public void Close()
    {
        IsClosed = true;
        foreach (PendingAnswer asked in sent.Values.ToArray())
            asked.Complete(null);
    }

    /// <summary>
    /// Sends a question in its turn. The question keeps its place until the answer arrives, or until long after its callers gave up. This
    /// protects the other daemon from a flood of questions.
    /// </summary>
    private async Task AskInTurnAsync(
        Bucket bucket, UserId caller, long? cancel, TaskCompletionSource<JobsAnswer?> answer, Task givenUp)
    {
        bool hasPlace = await gate.EnterAsync(bucket, givenUp);
        waiting.Remove((caller, cancel));
        JobsAnswer? said = null;
        if (hasPlace)
        {
            var question = new JobsQuestion(++last, caller.Value, cancel);
            var pending = new PendingAnswer();
            sent.Add(question.Number, pending);
            using LoopTimer deadline = loop.Schedule(LongestPatience, () => pending.Complete(null));
            if (!IsClosed)
            {
                // If it cannot be sent, the former daemon has ended and Close follows, or it does not read and the deadline comes.
                send(question);
                said = await pending.Task;
            }

            sent.Remove(question.Number);
            gate.Leave(bucket);
        }

        answer.SetResult(said);
    }
}
