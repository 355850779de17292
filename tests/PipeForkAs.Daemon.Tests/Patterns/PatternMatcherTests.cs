using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Patterns;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Patterns;

/// <summary>Tests that long matches run outside of the loop, within the steps of a request, and in turn for each caller.</summary>
public sealed class PatternMatcherTests
{
    private static readonly Bucket Alice = Bucket.OfAccount(new UserId(1001));

    /// <summary>About 5 million steps for a long value.</summary>
    private readonly Pattern heavy = Pattern.Create("(.*[ab].{1,50}c){1,20}d", "the key");

    private readonly LogLines log = new();

    [Fact(Timeout = 60_000)]
    public async Task A_short_value_is_matched_at_once_and_a_long_one_on_another_thread()
    {
        var matcher = new PatternMatcher(IdleLoop.Instance, log);
        var quick = new PatternQuestion(heavy, "bxcd");
        Assert.True(matcher.AnswerAsync(Alice, [quick]).IsCompletedSuccessfully);
        Assert.Equal(true, quick.Matches);

        var slow = new PatternQuestion(heavy, Long(0));

        // Enough work that the other thread does not finish before this one continues.
        PatternQuestion[] more = [.. Enumerable.Range(1, 50).Select(number => new PatternQuestion(heavy, Long(number)))];
        Task answer = matcher.AnswerAsync(Alice, [slow, .. more]);
        Assert.False(answer.IsCompleted);
        await answer;
        Assert.Equal(false, slow.Matches);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_match_that_exceeds_the_steps_of_a_request_has_no_result_and_is_logged_once()
    {
        var matcher = new PatternMatcher(IdleLoop.Instance, log);
        PatternQuestion[] questions = [.. Enumerable.Range(0, 400).Select(number => new PatternQuestion(heavy, Long(number)))];
        await matcher.AnswerAsync(Alice, questions);

        Assert.Equal(false, questions[0].Matches);
        Assert.Null(questions[^1].Matches);
        await matcher.AnswerAsync(Alice, [.. questions.Select(question => new PatternQuestion(heavy, question.Value))]);
        const string Told =
            "the key: the patterns of a request ran out of steps before (.*[ab].{1,50}c){1,20}d matched 4000 characters";
        Assert.Contains(Told, Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    private static string Long(int seed) =>
        string.Create(4000, new Random(seed), static (value, random) => random.GetItems("abc".AsSpan(), value));
}
