using System.Diagnostics.CodeAnalysis;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;

namespace PipeForkAs.Daemon.Users;

/// <summary>
/// Slow lookups that run off the loop: the user database, the shadow database, PAM. One lookup of a key runs at a time, for any number of
/// requests; the buckets are served in turn; a request waits at most until its deadline. An answer is used again for
/// <see cref="LimitOptions.LookupCacheTime"/>, or until a watched file changes. All code except the lookup itself runs on the loop.
/// </summary>
/// <typeparam name="TKey">A key to look up.</typeparam>
/// <typeparam name="TAnswer">An answer.</typeparam>
/// <param name="loop">The loop.</param>
/// <param name="turns">Shares the loop's time: a thousand requests can wait for one answer.</param>
/// <param name="configuration">Says how long an answer can take, and how long it is used again.</param>
/// <param name="source">The name of the source, for messages.</param>
/// <param name="files">The files whose change ends the use of cached answers.</param>
/// <param name="ask">Does the lookup; the task ends when its thread or process has ended.</param>
internal sealed class LookUps<TKey, TAnswer>(
    Loop loop, FairTurns turns, CurrentConfiguration configuration, string source, IReadOnlyList<string> files, Func<TKey,
    Task<TAnswer>> ask)
    where TKey : notnull
{
    /// <summary>The maximum number of running lookups. If this many hang, the source is down, and one more would hang too.</summary>
    internal const int MaxAtOnce = 16;

    /// <summary>
    /// The maximum number of running lookups of one bucket: lookups that hang for one caller leave places for the others.
    /// </summary>
    internal const int MaxOfOneBucket = MaxAtOnce / 2;

    private const int MaxCached = 4096;

    private readonly Dictionary<TKey, (TAnswer Answer, long Expires)> cache = [];
    private readonly Dictionary<TKey, LookUp> asked = [];
    private readonly FairQueue<LookUp> waiting = new();
    private readonly Dictionary<Bucket, int> runningOf = [];
    private readonly WatchedFiles watched = new(loop, files);
    private int running;
    private int changes;

    /// <summary>Returns the answer for a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="bucket">The bucket of the caller that needs the answer.</param>
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

        // The lookup waits in the line of each bucket that needs it: the long line of another bucket must not delay it.
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

        // No request waits for the lookup any more.
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

    /// <summary>Starts waiting lookups, in turn, while there is a place.</summary>
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

            // Code that continues inline at the answer, and looks the key up again, must not get this answer again.
            Forget(lookUp);
            lookUp.Answer.SetResult(answer);
        }
#pragma warning disable CA1031 // For any failure, the requests that wait for the answer receive it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Forget(lookUp);
            lookUp.Answer.TrySetException(failure);
            _ = lookUp.Answer.Task.Exception; // All requests can have gone meanwhile.
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

    /// <summary>After a change of a file, discards all cached answers and those of running lookups, because they can be older.</summary>
    private void NoticeChange()
    {
        if (!watched.HaveChanged())
            return;
        changes++;
        cache.Clear();
        foreach (LookUp started in asked.Values.Where(lookUp => lookUp.IsStarted).ToArray())
            Forget(started);
    }

    /// <summary>A lookup that one or more requests need.</summary>
    private sealed class LookUp(TKey key)
    {
        public TKey Key { get; } = key;

        public TaskCompletionSource<TAnswer> Answer { get; } = new();

        /// <summary>The places of the lookup, in the line of each bucket that needs it.</summary>
        public Dictionary<Bucket, FairQueue<LookUp>.Place> Places { get; } = [];

        /// <summary>The number of requests that wait for the answer.</summary>
        public int Askers { get; set; }

        /// <summary>Whether the lookup is running.</summary>
        public bool IsStarted { get; set; }
    }
}

/// <summary>Ways to run such lookups.</summary>
internal static class LookUps
{
    /// <summary>Runs a lookup on a separate thread, which can block.</summary>
    public static Task<T> OnThread<T>(Func<T> ask) =>
        Task.Factory.StartNew(ask, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
