using PipeForkAs.Daemon.Fairness;

namespace PipeForkAs.Daemon.Listening;

/// <summary>The connections of each bucket.</summary>
internal sealed class BucketTable
{
    /// <summary>Buckets without a connection that are kept, so that a client that comes again and again costs no memory.</summary>
    private const int MaxIdleBuckets = 256;

    private readonly Dictionary<Bucket, BucketConnections> byBucket = [];

    public IEnumerable<BucketConnections> All => byBucket.Values;

    public BucketConnections Of(Bucket bucket)
    {
        if (!byBucket.TryGetValue(bucket, out BucketConnections? its))
            byBucket.Add(bucket, its = new BucketConnections(bucket));
        return its;
    }

    /// <summary>
    /// The bucket with the most connections that have not sent their request. A bucket that would have as many with its newcomer counts as
    /// the one with the most; root's connections make room for root alone.
    /// </summary>
    /// <param name="newcomer">The bucket that needs the room for one more; null where all need it.</param>
    public BucketConnections? MostUnsent(BucketConnections? newcomer)
    {
        BucketConnections? most = newcomer;
        int count = newcomer is null ? 0 : newcomer.Unsent.Count + 1;
        foreach (BucketConnections its in byBucket.Values)
        {
            if (its.Unsent.Count > count && (!its.Bucket.IsRoot || its == newcomer))
                (most, count) = (its, its.Unsent.Count);
        }

        return most;
    }

    /// <summary>One of its connections has ended.</summary>
    public void Leave(BucketConnections its)
    {
        its.Count--;
        DropIdle(its);
    }

    /// <summary>Forgets a bucket that has no connection, where there are many of these.</summary>
    public void DropIdle(BucketConnections its)
    {
        if (its.Count == 0 && byBucket.Count > MaxIdleBuckets)
            byBucket.Remove(its.Bucket);
    }
}
