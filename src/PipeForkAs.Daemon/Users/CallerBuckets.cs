using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Users;

/// <summary>
/// Finds the bucket of a caller's uid. The user database says whether a uid has an account; the known answer stays in use during another
/// lookup, so a caller waits for the database only at its first connection. The bucket decides only the order in which requests wait.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="configuration">Says when to look an answer up again.</param>
/// <param name="users">The user database.</param>
internal sealed class CallerBuckets(Loop loop, CurrentConfiguration configuration, IUserDatabase users)
{
    /// <summary>How long a first connection waits for the answer. After that it shares the bucket of the uids without an account.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// The most remembered uids with an account, and the most without one: the 65,536 subordinate ids of a user displace no accounts.
    /// </summary>
    private const int MaxRemembered = 4096;

    private readonly Dictionary<UserId, Known> accounts = [], others = [];

    /// <summary>Finds the bucket of a uid, if it is known.</summary>
    public bool TryFind(UserId uid, out Bucket bucket)
    {
        bucket = uid == UserId.Root ? Bucket.Root : default;
        if (bucket.IsRoot)
            return true;
        if (!accounts.TryGetValue(uid, out Known? known) && !others.TryGetValue(uid, out known))
            return false;

        bucket = known.Bucket;
        if (!known.IsAsked && loop.Time.GetElapsedTime(known.Since) >= configuration.Limits.LookupCacheTime)
        {
            known.IsAsked = true;
            _ = AskAsync(uid, known.Bucket);
        }

        return true;
    }

    /// <summary>Finds the bucket of an unknown uid, from the user database if it answers in time.</summary>
    public async Task<Bucket> FindAsync(UserId uid)
    {
        var late = new TaskCompletionSource<Bucket>();
        using LoopTimer patience = loop.Schedule(Patience, () => late.SetResult(Bucket.WithoutAccount));
        return await await Task.WhenAny(AskAsync(uid, Bucket.OfUnknown(uid)), late.Task);
    }

    private async Task<Bucket> AskAsync(UserId uid, Bucket asking)
    {
        Bucket bucket;
        try
        {
            bucket = await users.FindAsync(UserSelector.ById(uid), asking) is null ? Bucket.WithoutAccount : Bucket.OfAccount(uid);
        }
        catch (UserLookupException)
        {
            // The database did not answer. The previous answer stays in use, and will be looked up again.
            if (accounts.TryGetValue(uid, out Known? before) || others.TryGetValue(uid, out before))
                Remember(uid, before.Bucket);
            return before?.Bucket ?? Bucket.WithoutAccount;
        }

        Remember(uid, bucket);
        return bucket;
    }

    private void Remember(UserId uid, Bucket bucket)
    {
        Dictionary<UserId, Known> its = bucket == Bucket.WithoutAccount ? others : accounts;
        (its == others ? accounts : others).Remove(uid);
        if (its.Count >= MaxRemembered && !its.ContainsKey(uid))
            its.Clear();
        its[uid] = new Known(bucket, loop.Time.GetTimestamp());
    }

    /// <summary>What is known of a uid.</summary>
    private sealed class Known(Bucket bucket, long since)
    {
        public Bucket Bucket => bucket;

        public long Since => since;

        /// <summary>Whether another lookup of the uid is running.</summary>
        public bool IsAsked { get; set; }
    }
}
