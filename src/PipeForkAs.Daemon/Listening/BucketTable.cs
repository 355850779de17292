using PipeForkAs.Daemon.Fairness;

namespace PipeForkAs.Daemon.Listening;

/// <summary>The connections of each bucket.</summary>
internal sealed class BucketTable
{
    /// <summary>
    /// The number of buckets from which on buckets without connections are removed. Below it they are kept, so that a caller that connects
    /// repeatedly costs no allocation.
    /// </summary>
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
    /// Returns the bucket with the most connections that have not sent their request. The newcomer's bucket wins a tie, counted with its
    /// new connection. Connections of root are evicted only for root.
    /// </summary>
    /// <param name="newcomer">The bucket that needs room for one more connection; null if all buckets need room.</param>
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

    /// <summary>Notes that a connection of the bucket ended.</summary>
    public void Leave(BucketConnections its)
    {
        its.Count--;
        DropIdle(its);
    }

    /// <summary>Removes a bucket without connections if there are many buckets.</summary>
    public void DropIdle(BucketConnections its)
    {
        if (its.Count == 0 && byBucket.Count > MaxIdleBuckets)
            byBucket.Remove(its.Bucket);
    }
}
