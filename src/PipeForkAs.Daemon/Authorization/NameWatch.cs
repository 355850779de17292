using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Users;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// Looks names of the policy that could not be resolved up again, until they can be: off the loop, each with a pause that grows to a
/// minute, and all of them before the next decision after a file of the user database has changed. For use on the loop.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="lookUps">Asks the user database.</param>
/// <param name="limits">Says how long a decision waits for an answer.</param>
/// <param name="apply">Is given the policy that knows more names.</param>
/// <param name="logger">The log.</param>
internal sealed class NameWatch(Loop loop, NameLookUps lookUps, LimitOptions limits, Action<Policy> apply, ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly WatchedFiles files = new(loop, UserDatabase.SystemFiles);
    private Following? current;
    private Task refreshing = Task.CompletedTask;
    private bool isOutdated;

    /// <summary>Warns of the names of a policy that could not be resolved, and follows them; those of the former policy no more.</summary>
    /// <param name="resolved">The policy that decides from now on.</param>
    /// <param name="sources">Where the configuration's keys stand.</param>
    public void Follow(ResolvedPolicy resolved, ConfigurationSources sources)
    {
        End();
        Warn(resolved.Problems, sources);
        if (resolved.Problems.Count == 0)
            return;
        var following = new Following(resolved, sources);
        current = following;
        foreach (NameProblem problem in resolved.Problems)
            _ = Task.Run(() => FollowAsync(following, problem.Name, problem.State));
        _ = Task.Run(() => ApplyAsync(following));
    }

    /// <summary>Forgets the names.</summary>
    public void End()
    {
        current?.Ended.Cancel();
        current = null;
    }

    /// <summary>To be called before the names of a policy are looked up: what changes in the files from now on is newer than that.</summary>
    public void Begin() => files.HaveChanged();

    /// <summary>
    /// To be awaited before a decision: where a file of the user database has changed, the names are looked up again. A decision waits for
    /// that where a rule that denies uses one of them: for <see cref="LimitOptions.LookupTimeout"/>, and twice that where a lookup is
    /// under way.
    /// </summary>
    public async ValueTask RefreshAsync()
    {
        // The second time, since the first one may have begun before the change.
        for (int i = 0; i < 2 && current is { Problems.Count: > 0 } following; i++)
        {
            isOutdated |= files.HaveChanged();
            if (refreshing.IsCompleted && isOutdated)
            {
                isOutdated = false;
                TimeSpan patience = limits.LookupTimeout;
                PolicyName[] open = [.. following.Problems.Select(problem => problem.Name)];
                refreshing = Task.Run(() => RefreshAsync(following, open, patience));
            }

            if (refreshing.IsCompleted || !following.IsDenied)
                return;
            await refreshing;
        }
    }

    private void Warn(IEnumerable<NameProblem> problems, ConfigurationSources sources)
    {
        foreach (NameProblem problem in problems)
            Log.NameUnresolved(logger, sources.Line(problem.Key, problem.Text));
    }

    private async Task RefreshAsync(Following following, IReadOnlyList<PolicyName> open, TimeSpan patience)
    {
        Dictionary<PolicyName, NameAnswer> answers = await lookUps.AskAsync(open, patience);
        var applied = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (following.Answers.Writer.TryWrite(new Batch(answers, applied)))
            await Task.WhenAny(applied.Task, Task.Delay(patience));
    }

    /// <summary>Asks for one name, again and again, until it is known or nobody wants to know any more.</summary>
    private async Task FollowAsync(Following following, PolicyName name, NameState state)
    {
        CancellationToken ended = following.Ended.Token;
        TimeSpan pause = FirstPause;
        try
        {
            // A lookup that had no answer in time goes on, and is joined.
            if (state != NameState.Unanswered)
                await Task.Delay(pause, ended);
            while (true)
            {
                NameAnswer answer = await lookUps.AskAsync(name, afresh: false).WaitAsync(ended);
                following.Answers.Writer.TryWrite(new Batch(new Dictionary<PolicyName, NameAnswer> { [name] = answer }, null));
                if (answer.State == NameState.Known)
                    return;
                await Task.Delay(pause, ended);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
        catch (OperationCanceledException)
        {
            // Another policy decides now.
        }
    }

    /// <summary>Takes answers, in the order in which they come.</summary>
    private async Task ApplyAsync(Following following)
    {
        try
        {
            await foreach (Batch first in following.Answers.Reader.ReadAllAsync(following.Ended.Token))
            {
                List<Batch> batches = [first];
                while (following.Answers.Reader.TryRead(out Batch? further))
                    batches.Add(further);
                await ApplyAsync(following, batches);
                batches.ForEach(batch => batch.Applied?.TrySetResult());
            }
        }
        catch (OperationCanceledException)
        {
            // Another policy decides now. Who waits for an answer has a deadline.
        }
#pragma warning disable CA1031 // The edge of this task: what the rules know of names stays as it is, and the log says why.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.LoopBroke(logger, failure);
        }
    }

    private async Task ApplyAsync(Following following, List<Batch> batches)
    {
        var news = new Dictionary<PolicyName, NameAnswer>();
        foreach ((PolicyName name, NameAnswer answer) in batches.SelectMany(batch => batch.Answers))
        {
            // No answer takes nothing back: what was said last counts.
            if (answer.State == NameState.Unanswered || following.Said.GetValueOrDefault(name) is { State: NameState.Known }
                || following.Said.GetValueOrDefault(name) == answer)
                continue;
            news[name] = answer;
        }

        if (news.Count == 0)
            return;
        foreach ((PolicyName name, NameAnswer answer) in news)
            following.Said[name] = answer;
        following.Policy = following.Policy.With(following.Said);
        NameProblem[] problems = [.. NameProblems.Of(following.Policy, following.Said)];
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(
            _ =>
            {
                if (following == current)
                {
                    following.Problems = problems;
                    apply(following.Policy);
                    Warn(problems.Where(problem => news.ContainsKey(problem.Name)), following.Sources);
                    foreach ((PolicyName name, NameAnswer answer) in news.Where(told => told.Value.State == NameState.Known))
                        Log.NameResolved(logger, name.ToString(), answer.Id);
                }

                done.SetResult();
            },
            null);
        await done.Task.WaitAsync(following.Ended.Token);
    }

    /// <summary>Answers, and who waits until they count.</summary>
    private sealed record Batch(Dictionary<PolicyName, NameAnswer> Answers, TaskCompletionSource? Applied);

    /// <summary>A policy, and what is known of its names.</summary>
    private sealed class Following(ResolvedPolicy resolved, ConfigurationSources sources)
    {
        /// <summary>What decides; for the task that applies answers.</summary>
        public Policy Policy { get; set; } = resolved.Policy;

        /// <summary>What the database said last of each name; for the same.</summary>
        public Dictionary<PolicyName, NameAnswer> Said { get; } = resolved.Answers.ToDictionary();

        /// <summary>The names that are not known; for the loop.</summary>
        public IReadOnlyList<NameProblem> Problems
        {
            get;
            set
            {
                field = value;
                IsDenied = value.Any(problem => problem.IsDenied);
            }
        } = resolved.Problems;

        /// <summary>Whether a rule that denies uses one of these.</summary>
        public bool IsDenied { get; private set; } = resolved.Problems.Any(problem => problem.IsDenied);

        public ConfigurationSources Sources => sources;

        public Channel<Batch> Answers { get; } = Channel.CreateUnbounded<Batch>();

        public CancellationTokenSource Ended { get; } = new();
    }
}
