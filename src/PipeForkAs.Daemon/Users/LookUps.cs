using System.Diagnostics.CodeAnalysis;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;

namespace PipeForkAs.Daemon.Users;

/// <summary>
/// Answers that may take long and are asked for off the loop: the user database, the shadow database, PAM. One question is asked once at a
/// time, however many requests need it; the buckets are served in turn; a request waits until its deadline at most. An answer is used
/// again for <see cref="LimitOptions.LookupCacheTime"/>, or until a watched file changes. All but the asking runs on the loop.
/// </summary>
/// <typeparam name="TKey">A question.</typeparam>
/// <typeparam name="TAnswer">An answer.</typeparam>
/// <param name="loop">The loop.</param>
/// <param name="turns">Shares the loop's time: a thousand requests may wait for one answer.</param>
/// <param name="configuration">Says how long an answer may take, and how long it is used again.</param>
/// <param name="source">What is asked, for messages.</param>
/// <param name="files">The files whose change ends what is cached.</param>
/// <param name="ask">Asks; the task ends when the thread or the process that asks has ended.</param>
internal sealed class LookUps<TKey, TAnswer>(
    Loop loop, FairTurns turns, CurrentConfiguration configuration, string source, IReadOnlyList<string> files, Func<TKey,
    Task<TAnswer>> ask)
    where TKey : notnull
{
    /// <summary>Questions at once. Where so many hang the source is down, and one more would hang as well.</summary>
    internal const int MaxAtOnce = 16;

    /// <summary>Questions of one bucket at once: what hangs for one caller leaves places for the others.</summary>
    internal const int MaxOfOneBucket = MaxAtOnce / 2;

    private const int MaxCached = 4096;

    private readonly Dictionary<TKey, (TAnswer Answer, long Expires)> cache = [];
    private readonly Dictionary<TKey, LookUp> asked = [];
    private readonly FairQueue<LookUp> waiting = new();
    private readonly Dictionary<Bucket, int> runningOf = [];
    private readonly WatchedFiles watched = new(loop, files);
    private int running;
    private int changes;

    /// <summary>The answer to a question.</summary>
    /// <param name="key">The question.</param>
    /// <param name="bucket">The bucket that asks.</param>
    /// <exception cref="UserLookupException">There is no answer, or none in time.</exception>
    public ValueTask<TAnswer> FindAsync(TKey key, Bucket bucket)
    {
        if (TryCache(key, out TAnswer? known))
            return new ValueTask<TAnswer>(known);

        if (!asked.TryGetValue(key, out LookUp? lookUp))
        {
            lookUp = new LookUp(key);
            asked.Add(key, lookUp);
        }

        // It waits in the line of each bucket that needs it: another bucket's long line must not hold it up.
        if (!lookUp.IsStarted && !lookUp.Places.ContainsKey(bucket))
        {
            lookUp.Places.Add(bucket, waiting.Add(bucket, lookUp));
            StartNext();
        }

        return AnswerAsync(lookUp, bucket);
    }

    private async ValueTask<TAnswer> AnswerAsync(LookUp lookUp, Bucket bucket)
    {
        var late = new TaskCompletionSource<TAnswer>();
        LoopTimer deadline = loop.Schedule(configuration.Limits.LookupTimeout, () => late.SetException(
            new UserLookupException($"{source} did not answer within {configuration.Limits.LookupTimeout.TotalSeconds:0.###} s")));
        lookUp.Askers++;
        Task<TAnswer> first = await Task.WhenAny(lookUp.Answer.Task, late.Task);
        deadline.Dispose();

        // Nobody waits for its turn any more.
        if (--lookUp.Askers == 0 && !lookUp.IsStarted)
        {
            LeaveLines(lookUp);
            Forget(lookUp);
        }

        await turns.EnterAsync(bucket);
        try
        {
            return await first;
        }
        catch (Exception failure) when (failure is not UserLookupException)
        {
            throw new UserLookupException($"{source} failed: {failure.Message}", failure);
        }
    }

    /// <summary>Starts what waits, in turn, as long as there is a place.</summary>
    private void StartNext()
    {
        while (running < MaxAtOnce && waiting.TryTake(HasPlace, out FairQueue<LookUp>.Place? next))
        {
            next.Item.IsStarted = true;
            LeaveLines(next.Item);
            _ = RunAsync(next.Item, next.Bucket);
        }
    }

    private bool HasPlace(Bucket bucket) => runningOf.GetValueOrDefault(bucket) < MaxOfOneBucket;

    private async Task RunAsync(LookUp lookUp, Bucket bucket)
    {
        running++;
        runningOf[bucket] = runningOf.GetValueOrDefault(bucket) + 1;
        int changesBefore = changes;
        try
        {
            TAnswer answer = await ask(lookUp.Key);
            NoticeChange();
            if (changes == changesBefore)
                Keep(lookUp.Key, answer);

            // Who goes on at the answer, inline, and asks again must not get this one again.
            Forget(lookUp);
            lookUp.Answer.SetResult(answer);
        }
#pragma warning disable CA1031 // Whatever it is, the requests that wait for the answer are told.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Forget(lookUp);
            lookUp.Answer.TrySetException(failure);
            _ = lookUp.Answer.Task.Exception; // All requests may have gone meanwhile.
        }
        finally
        {
            running--;
            if (--runningOf[bucket] == 0)
                runningOf.Remove(bucket);
            StartNext();
        }
    }

    private void LeaveLines(LookUp lookUp)
    {
        foreach (FairQueue<LookUp>.Place place in lookUp.Places.Values)
            waiting.Remove(place);
        lookUp.Places.Clear();
    }

    private void Keep(TKey key, TAnswer answer)
    {
        if (configuration.Limits.LookupCacheTime == TimeSpan.Zero)
            return;
        if (cache.Count >= MaxCached)
            cache.Clear();
        cache[key] = (
            answer, loop.Time.GetTimestamp() + (long)(configuration.Limits.LookupCacheTime.TotalSeconds * loop.Time.TimestampFrequency));
    }

    private void Forget(LookUp lookUp)
    {
        if (asked.GetValueOrDefault(lookUp.Key) == lookUp)
            asked.Remove(lookUp.Key);
    }

    private bool TryCache(TKey key, [MaybeNullWhen(false)] out TAnswer answer)
    {
        NoticeChange();
        if (cache.TryGetValue(key, out (TAnswer Answer, long Expires) entry))
        {
            answer = entry.Answer;
            if (entry.Expires > loop.Time.GetTimestamp())
                return true;
            cache.Remove(key);
        }

        answer = default;
        return false;
    }

    /// <summary>Where a file has changed, nothing cached counts, and nothing that is being read: it may be older.</summary>
    private void NoticeChange()
    {
        if (!watched.HaveChanged())
            return;
        changes++;
        cache.Clear();
        foreach (LookUp started in asked.Values.Where(lookUp => lookUp.IsStarted).ToArray())
            Forget(started);
    }

    /// <summary>A question that was asked, by one request or several.</summary>
    private sealed class LookUp(TKey key)
    {
        public TKey Key { get; } = key;

        public TaskCompletionSource<TAnswer> Answer { get; } = new();

        /// <summary>Where it waits, in the line of each bucket that needs it.</summary>
        public Dictionary<Bucket, FairQueue<LookUp>.Place> Places { get; } = [];

        /// <summary>How many requests wait for the answer.</summary>
        public int Askers { get; set; }

        /// <summary>Whether the source is being asked.</summary>
        public bool IsStarted { get; set; }
    }
}

/// <summary>How such answers are asked for.</summary>
internal static class LookUps
{
    /// <summary>Asks on a thread of its own, which may wait.</summary>
    public static Task<T> OnThread<T>(Func<T> ask) =>
        Task.Factory.StartNew(ask, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
