using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Users;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// Looks the names of the policy up again: those that are not known in the background, with a pause that grows to a minute, and those on
/// which a decision depends before that decision. An answer counts for <see cref="LimitOptions.LookupCacheTime"/>, or until a file of the
/// user database changes. No lookup runs on the loop. For use on the loop.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="lookUps">Asks the user database.</param>
/// <param name="configuration">Says how long a decision waits for an answer, and how long an answer counts.</param>
/// <param name="files">The files of the user database.</param>
/// <param name="apply">Receives the policy that knows more of its names.</param>
/// <param name="logger">The log.</param>
internal sealed class NameWatch(
    Loop loop, NameLookUps lookUps, CurrentConfiguration configuration, IReadOnlyList<string> files, Action<Policy> apply, ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    /// <summary>An answer counts for this time at least, whatever the configuration says: requests must not load the database.</summary>
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromSeconds(1);

    /// <summary>Time between two lookups of a name, where a file has changed meanwhile.</summary>
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);

    private readonly WatchedFiles watched = new(loop, files);
    private Following? current;
    private int changes;

    /// <summary>
    /// Warns of the names of a policy that could not be resolved, and follows its names; those of the former policy no more.
    /// </summary>
    /// <param name="resolved">The policy that decides from now on.</param>
    /// <param name="sources">Where the configuration's keys stand.</param>
    public void Follow(ResolvedPolicy resolved, ConfigurationSources sources)
    {
        End();
        Warn(resolved.Problems, sources);
        if (resolved.Policy.Names.Count == 0)
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

    /// <summary>
    /// Looks names up again whose answers are too old, each once at a time; waits for <see cref="LimitOptions.LookupTimeout"/>, and twice
    /// that where a lookup is under way that began before a file changed.
    /// </summary>
    /// <param name="names">The names on which a decision depends.</param>
    /// <returns>Whether it has waited: another policy may decide now.</returns>
    public async ValueTask<bool> RefreshAsync(IReadOnlyList<UncertainName> names)
    {
        if (names.Count == 0 || current is not { } following)
            return false;
        if (watched.HaveChanged())
            changes++;
        Task[] refreshing = [.. names.Select(name => RefreshAsync(following, name)).Where(task => !task.IsCompleted)];
        await Task.WhenAll(refreshing);
        return refreshing.Length > 0;
    }

    private Task RefreshAsync(Following following, UncertainName uncertain)
    {
        Asking? last = following.Asked.GetValueOrDefault(uncertain.Name);
        if (last is not null && last.Change == changes && (!last.Ended.IsCompleted || !uncertain.Expires || IsRecent(last)))
            return last.Ended;
        var asking = new Asking { Change = changes };
        following.Asked[uncertain.Name] = asking;
        return asking.Ended = AskAsync(following, uncertain.Name, asking, last);
    }

    private bool IsRecent(Asking asking)
    {
        TimeSpan interval = configuration.Limits.LookupCacheTime > ShortestInterval
            ? configuration.Limits.LookupCacheTime
            : ShortestInterval;
        return loop.Time.GetElapsedTime(asking.EndedAt) < interval;
    }

    private async Task AskAsync(Following following, PolicyName name, Asking asking, Asking? last)
    {
        if (last is not null)
        {
            await last.Ended;
            if (ShortestPause - loop.Time.GetElapsedTime(last.EndedAt) is { Ticks: > 0 } pause)
                await loop.DelayAsync(pause);
        }

        var late = new TaskCompletionSource();
        LoopTimer deadline = loop.Schedule(configuration.Limits.LookupTimeout, late.SetResult);
        await Task.WhenAny(TellAsync(following, name, lookUps.AskAsync(name, afresh: last?.Change != asking.Change)), late.Task);
        deadline.Dispose();
        asking.EndedAt = loop.Time.GetTimestamp();
    }

    /// <summary>Waits for an answer, however late, and until it counts.</summary>
    private static async Task TellAsync(Following following, PolicyName name, Task<NameAnswer> asked)
    {
        var applied = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answers = new Dictionary<PolicyName, NameAnswer> { [name] = await asked };
        if (following.Answers.Writer.TryWrite(new Batch(answers, applied)))
            await applied.Task.WaitAsync(following.Ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Warn(IEnumerable<NameProblem> problems, ConfigurationSources sources)
    {
        foreach (NameProblem problem in problems)
            Log.NameUnresolved(logger, sources.Line(problem.Key, problem.Text));
    }

    /// <summary>Asks for one name, again and again, until it is known or nobody wants to know any more.</summary>
    private async Task FollowAsync(Following following, PolicyName name, NameState state)
    {
        CancellationToken ended = following.Ended.Token;
        TimeSpan pause = FirstPause;
        if (!following.Followed.TryAdd(name, true))
            return;
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
        finally
        {
            following.Followed.TryRemove(name, out _);
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
            if (answer.State == NameState.Unanswered)
                continue;
            if (following.Said.GetValueOrDefault(name) == answer)
                news.Remove(name);
            else
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
                    apply(following.Policy);
                    Warn(problems.Where(problem => news.ContainsKey(problem.Name)), following.Sources);
                    foreach ((PolicyName name, NameAnswer answer) in news)
                    {
                        if (answer.State == NameState.Known)
                            Log.NameResolved(logger, name.ToString(), answer.Id);
                        else
                            _ = Task.Run(() => FollowAsync(following, name, answer.State));
                    }
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

        /// <summary>The names for which decisions have asked; for the loop.</summary>
        public Dictionary<PolicyName, Asking> Asked { get; } = [];

        /// <summary>The names that are looked up in the background.</summary>
        public ConcurrentDictionary<PolicyName, bool> Followed { get; } = [];

        public ConfigurationSources Sources => sources;

        public Channel<Batch> Answers { get; } = Channel.CreateUnbounded<Batch>();

        public CancellationTokenSource Ended { get; } = new();
    }

    /// <summary>A lookup for decisions.</summary>
    private sealed class Asking
    {
        /// <summary>How often the files had changed when it was asked for.</summary>
        public required int Change { get; init; }

        /// <summary>Ends with the answer, or when decisions wait for it no longer.</summary>
        public Task Ended { get; set; } = Task.CompletedTask;

        public long EndedAt { get; set; }
    }
}
