using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Daemon.Upgrading;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Upgrading;

public sealed class JobsQuestionsTests : IDisposable
{
    private static readonly UserId Alice = new(1001), Bob = new(1002);

    private readonly LoopThread loop = new();
    private readonly List<JobsQuestion> sent = [];
    private readonly JobsQuestions questions;

    public JobsQuestionsTests() => questions = new JobsQuestions(loop.Loop, sent.Add);

    public void Dispose()
    {
        loop.Dispose();
        Assert.Empty(loop.Failures);
    }

    [Fact(Timeout = 30_000)]
    public Task One_caller_has_few_pending_questions_and_delays_no_other_caller() => loop.RunAsync(async () =>
    {
        Task<JobsAnswer?>[] flood = [.. Enumerable.Range(0, 1000).Select(id => AskAsync(TestCallers.Alice, Alice, id))];
        Assert.Equal([0L, 1L], sent.Select(static question => question.Cancel));
        Task<JobsAnswer?> other = AskAsync(TestCallers.Bob, Bob, 7);
        Assert.Equal((Bob.Value, 7), (sent[^1].Caller, sent[^1].Cancel));
        Answer(sent[^1], isCancelled: true);
        Assert.True((await other)!.IsCancelled);

        for (int i = 0; i < flood.Length; i++)
        {
            while (sent.Count(static question => question.Caller == Alice.Value) <= i)
                await Task.Yield();
            Answer(sent.Where(static question => question.Caller == Alice.Value).ElementAt(i));
            await flood[i];
            Assert.InRange(sent.Count, 0, i + 2 + JobsQuestions.PlacesPerBucket);
        }
    });

    [Fact(Timeout = 30_000)]
    public Task A_waiting_question_is_shared_and_a_sent_question_is_sent_again() => loop.RunAsync(async () =>
    {
        Task<JobsAnswer?>[] first = [AskAsync(TestCallers.Alice, Alice, null), AskAsync(TestCallers.Alice, Alice, 1)];
        Task<JobsAnswer?>[] same = [.. Enumerable.Range(0, 1000).Select(_ => AskAsync(TestCallers.Alice, Alice, null))];
        Assert.Equal(2, sent.Count);
        Answer(sent[0]);
        Answer(sent[1]);
        await Task.WhenAll(first);
        while (sent.Count == 2)
            await Task.Yield();
        Answer(sent[2], isCancelled: true);
        Assert.All(await Task.WhenAll(same), static answer => Assert.True(answer!.IsCancelled));
        Assert.Equal(3, sent.Count);
    });

    [Fact(Timeout = 30_000)]
    public Task A_question_without_an_answer_keeps_its_place_and_fails_at_the_deadline() => loop.RunAsync(async () =>
    {
        Task<JobsAnswer?>[] asked = [.. Enumerable.Range(0, 50).Select(id => AskAsync(TestCallers.Alice, Alice, id))];
        Assert.All(await Task.WhenAll(asked), Assert.Null);
        Assert.Equal(JobsQuestions.PlacesPerBucket, sent.Count);
        Assert.Null(await AskAsync(TestCallers.Alice, Alice, 99));
        Assert.Equal(JobsQuestions.PlacesPerBucket, sent.Count);

        // Late answers are discarded, and free their places.
        foreach (JobsQuestion question in sent.ToArray())
            Answer(question);
        Task<JobsAnswer?> next = AskAsync(TestCallers.Alice, Alice, 100);
        while (sent.Count == JobsQuestions.PlacesPerBucket)
            await Task.Yield();
        Answer(sent[^1]);
        Assert.NotNull(await next);
    });

    [Fact(Timeout = 30_000)]
    public Task No_question_waits_for_a_former_daemon_that_has_ended() => loop.RunAsync(async () =>
    {
        Task<JobsAnswer?>[] asked = [.. Enumerable.Range(0, 50).Select(id => AskAsync(TestCallers.Alice, Alice, id))];
        questions.Close();
        Assert.All(await Task.WhenAll(asked), Assert.Null);
        Assert.True(questions.IsClosed);
        Assert.Null(await AskAsync(TestCallers.Bob, Bob, null));
        Assert.Equal(JobsQuestions.PlacesPerBucket, sent.Count);
    });

    private Task<JobsAnswer?> AskAsync(Bucket bucket, UserId caller, long? cancel) => questions.AskAsync(bucket, caller, cancel);

    private void Answer(JobsQuestion question, bool isCancelled = false) =>
        questions.Take(new JobsAnswer(question.Number, [], Running: 0, isCancelled, HasMore: false));
}
