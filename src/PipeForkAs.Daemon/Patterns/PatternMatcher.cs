using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Logging;

namespace PipeForkAs.Daemon.Patterns;

/// <summary>
/// Matches values. Short matches run immediately. Longer ones run on a thread, one request of each caller in turn, within a budget for the
/// whole request: the loop serves other requests meanwhile, and memory does not grow with what callers send.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="logger">The log.</param>
internal sealed class PatternMatcher(Loop loop, ILogger logger)
{
    /// <summary>The number of steps of one request that run immediately: about 0.1 ms.</summary>
    private const long StepsAtOnce = 50_000;

    /// <summary>The maximum number of threads.</summary>
    private static readonly int Places = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>
    /// A task that never completes: a request that waits here is not given up; its turn comes after one of each other caller.
    /// </summary>
    private static readonly Task Never = new TaskCompletionSource().Task;

    private readonly PatternScratch own = new();
    private readonly Stack<PatternScratch> spare = new();

    /// <summary>The turns; threads use half of the processors, so that the loop keeps one.</summary>
    private readonly FairGate turns = new(loop, Places, Places);

    /// <summary>
    /// Answers the questions of one request, in order; when the steps run out, the remaining questions stay without an answer.
    /// </summary>
    /// <param name="caller">The bucket of the caller, whose turn this uses.</param>
    /// <param name="questions">The questions; no other code can use them meanwhile.</param>
    public Task AnswerAsync(Bucket caller, IReadOnlyList<PatternQuestion> questions)
    {
        if (questions.Count == 0)
            return Task.CompletedTask;
        long steps = StepsAtOnce;
        int answered = Answer(questions, 0, own, ref steps);
        return answered == questions.Count ? Task.CompletedTask : ContinueAsync(caller, questions, answered);
    }

    private async Task ContinueAsync(Bucket caller, IReadOnlyList<PatternQuestion> questions, int first)
    {
        await turns.EnterAsync(caller, Never);
        if (!spare.TryPop(out PatternScratch? scratch))
            scratch = new PatternScratch();
        try
        {
            await Task.Factory.StartNew(
                () =>
                {
                    long steps = Pattern.MaxSteps;
                    Answer(questions, first, scratch, ref steps);
                },
                CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        finally
        {
            spare.Push(scratch);
            turns.Leave(caller);
        }

        foreach (PatternQuestion question in questions)
        {
            if (question.Matches is null && !question.Pattern.IsExhaustionLogged)
            {
                question.Pattern.IsExhaustionLogged = true;
                Log.PatternExhausted(logger, question.Pattern.Origin, question.Pattern.Text, question.Value.Length);
            }
        }
    }

    /// <summary>Returns the number of answered questions.</summary>
    private static int Answer(IReadOnlyList<PatternQuestion> questions, int first, PatternScratch scratch, ref long steps)
    {
        for (int i = first; i < questions.Count; i++)
        {
            questions[i].Matches = questions[i].Pattern.Match(questions[i].Value, scratch, ref steps);
            if (questions[i].Matches is null)
                return i;
        }

        return questions.Count;
    }
}
