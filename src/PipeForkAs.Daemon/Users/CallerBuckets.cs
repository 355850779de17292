using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Users;

/// <summary>
/// Tells the bucket of a caller's uid. Whether a uid has an account is asked of the user database; what is known is used while it is asked
/// again, so that a caller waits for the answer only at its first connection. This decides who waits for whom, and nothing else.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="configuration">Says after how long an answer is asked for again.</param>
/// <param name="users">The user database.</param>
internal sealed class CallerBuckets(Loop loop, CurrentConfiguration configuration, IUserDatabase users)
{
    /// <summary>How long a first connection waits for the answer. Then it shares the bucket of the uids without an account.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    /// <summary>Uids that are remembered with an account, and without one: a user's 65,536 subordinate ids displace no accounts.</summary>
    private const int MaxRemembered = 4096;

    private readonly Dictionary<UserId, Known> accounts = [], others = [];

    /// <summary>The bucket of a uid, where it is known.</summary>
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

    /// <summary>The bucket of a uid that is not known yet, from the user database where it answers in time.</summary>
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
            // Nobody knows. What was known before counts on, and is asked for again.
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

        /// <summary>Whether the user database is being asked again.</summary>
        public bool IsAsked { get; set; }
    }
}
