using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Users;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// Looks the names of the policy up again: unknown names in the background, with a pause that grows to one minute; and names on which a
/// decision depends before that decision. An answer is valid for <see cref="LimitOptions.LookupCacheTime"/>, or until a file of the user
/// database changes. No lookup runs on the loop. For use on the loop.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="lookUps">Looks names up in the user database.</param>
/// <param name="configuration">Says how long a decision waits for an answer, and how long an answer is valid.</param>
/// <param name="files">The files of the user database.</param>
/// <param name="policy">Receives the policy that knows more of its names.</param>
/// <param name="logger">The log.</param>
internal sealed class NameWatch(
    Loop loop, NameLookUps lookUps, CurrentConfiguration configuration, IReadOnlyList<string> files, CurrentPolicy policy, ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The shortest time for which an answer is valid, whatever the configuration says: requests must not load the database.
    /// </summary>
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromSeconds(1);

    /// <summary>The shortest time between two lookups of a name when a file has changed.</summary>
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);

    private readonly WatchedFiles watched = new(loop, files);
    private Following? current;
    private int changes;

    /// <summary>
    /// Warns about the names of a policy that could not be resolved, and watches its names instead of those of the former policy.
    /// </summary>
    /// <param name="resolved">The policy that decides from now on.</param>
    /// <param name="sources">The sources of the configuration keys.</param>
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

    /// <summary>Stops watching the names.</summary>
    public void End()
    {
        current?.Ended.Cancel();
        current = null;
    }

    /// <summary>
    /// Looks up again the names whose answers are too old, one lookup of each name at a time. Waits for
    /// <see cref="LimitOptions.LookupTimeout"/>, or for twice that if a running lookup began before a file changed.
    /// </summary>
    /// <param name="names">The names on which a decision depends.</param>
    /// <returns>Whether it waited: another policy can be in effect now.</returns>
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

    /// <summary>Waits for an answer, even a late one, and until the policy uses it.</summary>
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

    /// <summary>Looks one name up repeatedly, until it is known or no longer needed.</summary>
    private async Task FollowAsync(Following following, PolicyName name, NameState state)
    {
        CancellationToken ended = following.Ended.Token;
        TimeSpan pause = FirstPause;
        if (!following.Followed.TryAdd(name, true))
            return;
        try
        {
            // A lookup that had no answer in time continues; the next call joins it.
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

    /// <summary>Applies answers in the order in which they arrive.</summary>
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
            // Another policy decides now. The waiters for an answer have a deadline.
        }
#pragma warning disable CA1031 // The edge of this task: the rules keep what they know of names, and the log says why.
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
            // A missing answer changes nothing: the last answer stays valid.
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
                    policy.Policy = following.Policy;
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

    /// <summary>Answers, and the task that waits until the policy uses them.</summary>
    private sealed record Batch(Dictionary<PolicyName, NameAnswer> Answers, TaskCompletionSource? Applied);

    /// <summary>A policy, and what is known of its names.</summary>
    private sealed class Following(ResolvedPolicy resolved, ConfigurationSources sources)
    {
        /// <summary>The policy that decides; for the task that applies answers.</summary>
        public Policy Policy { get; set; } = resolved.Policy;

        /// <summary>The last answer of the database for each name; for the task that applies answers.</summary>
        public Dictionary<PolicyName, NameAnswer> Said { get; } = resolved.Answers.ToDictionary();

        /// <summary>The lookups that decisions requested, by name; for the loop.</summary>
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
        /// <summary>How many file changes there had been when the lookup was requested.</summary>
        public required int Change { get; init; }

        /// <summary>Completes with the answer, or when decisions no longer wait for it.</summary>
        public Task Ended { get; set; } = Task.CompletedTask;

        public long EndedAt { get; set; }
    }
}
