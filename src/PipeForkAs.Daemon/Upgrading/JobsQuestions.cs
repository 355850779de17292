using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>
/// The questions of clients for a former daemon. Few are on their way at once, the buckets have turns, and a question that waits already is
/// asked once for all who ask it: a client neither fills the channel, nor keeps the other daemon's loop busy, nor delays the answers of
/// others. On the loop.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="send">Sends a question; false where the former daemon has ended.</param>
internal sealed class JobsQuestions(Loop loop, Predicate<JobsQuestion> send)
{
    /// <summary>How many questions may be without an answer, and how many of one bucket.</summary>
    internal const int Places = 4, PlacesPerBucket = 2;

    /// <summary>How long an answer may take.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>How long a question without an answer keeps its place: the other daemon may have failed to answer.</summary>
    private static readonly TimeSpan LongestPatience = TimeSpan.FromSeconds(10);

    private readonly FairGate gate = new(loop, Places, PlacesPerBucket);
    private readonly Dictionary<(UserId, long?), TaskCompletionSource<JobsAnswer?>> waiting = [];
    private readonly Dictionary<long, PendingAnswer> sent = [];
    private bool isClosed;
    private long last;

    /// <summary>Asks for the jobs that a caller may know of, or has one of them ended.</summary>
    /// <param name="bucket">The bucket whose turn it takes.</param>
    /// <param name="caller">The caller.</param>
    /// <param name="cancel">The job to end; null for none.</param>
    /// <returns>Null where there is no answer within <see cref="Patience"/>.</returns>
    public async Task<JobsAnswer?> AskAsync(Bucket bucket, UserId caller, long? cancel)
    {
        if (isClosed)
            return null;
        var givenUp = new TaskCompletionSource();
        using LoopTimer deadline = loop.Schedule(Patience, givenUp.SetResult);

        // One that was sent already may have been answered before this caller asked.
        if (!waiting.TryGetValue((caller, cancel), out TaskCompletionSource<JobsAnswer?>? answer))
        {
            waiting.Add((caller, cancel), answer = new TaskCompletionSource<JobsAnswer?>());
            loop.Start(() => AskInTurnAsync(bucket, caller, cancel, answer, givenUp.Task));
        }

        return await Task.WhenAny(answer.Task, givenUp.Task) == answer.Task ? await answer.Task : null;
    }

    /// <summary>Takes an answer, or a part of it.</summary>
    public void Take(JobsAnswer answer)
    {
        if (sent.TryGetValue(answer.Number, out PendingAnswer? asked))
            asked.Add(answer);
    }

    /// <summary>No more answers come.</summary>
    public void Close()
    {
        isClosed = true;
        foreach (PendingAnswer asked in sent.Values.ToArray())
            asked.Complete(null);
    }

    /// <summary>
    /// A place is taken until the answer is there, or long after those who asked have given up: the other daemon is not flooded.
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
            if (!isClosed && send(question))
                said = await pending.Task;
            sent.Remove(question.Number);
            gate.Leave(bucket);
        }

        answer.SetResult(said);
    }
}
