using PipeForkAs.Daemon.Logging;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Auditing;

/// <summary>
/// Decides which records of requests that ran nothing are written in full. Such a request costs its caller nothing: without a limit,
/// callers decide how fast log and file grow. Of each uid, a burst of <see cref="PerMinute"/> records is permitted, and the same number per
/// minute; this class counts the others.
/// </summary>
/// <remarks>
/// A user can have 65,536 subordinate uids in addition to its own, by default from 100,000 on (subuid(5); SUB_UID_MIN and SUB_UID_COUNT in
/// login.defs(5)), and none below 65,536. So each block of 65,536 uids from there on has a rate too, and the number of buckets for single
/// uids in blocks is limited. The subordinate uids of a user exhaust the rates of their own two blocks, and of no other caller.
/// </remarks>
/// <param name="time">The clock.</param>
internal sealed class RecordRate(TimeProvider time)
{
    /// <summary>The rate of a block of uids, as a multiple of the rate of one uid.</summary>
    public const int CallersPerBlock = 8;

    private const int BlockBits = 16;

    /// <summary>The most buckets for single uids in blocks; beyond that, uids have only the bucket of their block.</summary>
    private const int MaxInBlocks = 4096;

    /// <summary>The number of buckets above which full ones are dropped.</summary>
    private const int LeastBeforePrune = 256;

    private readonly Dictionary<uint, Source> callers = [];
    private readonly Dictionary<uint, Source> blocks = [];
    private int pruneAt = LeastBeforePrune;
    private int inBlocks;

    /// <summary>Records of one uid per minute, at least 1; null for all.</summary>
    public int? PerMinute { get; set; }

    /// <summary>The number of records that were not written in full since the daemon started.</summary>
    public long Suppressed { get; private set; }

    public int Buckets => callers.Count + blocks.Count;

    /// <summary>Whether a record must be written in full. If not, counts it, for <see cref="TakeSums"/>.</summary>
    public bool Admits(UserId caller, ReplyCode code)
    {
        if (PerMinute is not { } rate)
            return true;
        double now = TokenBucket.Seconds(time);
        Prune(rate, now);
        uint uid = caller.Value, block = uid >> BlockBits;
        Source? shared = block == 0 ? null : Find(blocks, block, block << BlockBits, uid | ushort.MaxValue, rate * CallersPerBlock, now);
        bool hasShared = shared is null || shared.Bucket.HasOne((double)rate * CallersPerBlock, now);
        Source? own = callers.GetValueOrDefault(uid);
        if (own is null && hasShared && (shared is null || inBlocks < MaxInBlocks))
        {
            own = Find(callers, uid, uid, uid, rate, now);
            if (shared is not null)
                inBlocks++;
        }

        bool hasOwn = own is null || own.Bucket.HasOne(rate, now);
        if (hasOwn && hasShared)
        {
            own?.Bucket.Take();
            shared?.Bucket.Take();
            return true;
        }

        (hasOwn ? shared! : own!).Suppress(code, time.GetUtcNow());
        Suppressed++;
        return false;
    }

    /// <summary>Returns the counts since the last call, for each caller or block of callers.</summary>
    public IReadOnlyList<SuppressedRecords> TakeSums() =>
        [.. callers.Values.Concat(blocks.Values).Select(source => source.TakeSum()).OfType<SuppressedRecords>()];

    private static Source Find(Dictionary<uint, Source> sources, uint key, uint firstUid, uint lastUid, double rate, double now)
    {
        if (!sources.TryGetValue(key, out Source? source))
            sources.Add(key, source = new Source(firstUid, lastUid, new TokenBucket(rate, now)));
        return source;
    }

    /// <summary>
    /// Drops full buckets, because a new bucket is full too. The threshold is twice the number of remaining buckets, so the cost per record
    /// is constant.
    /// </summary>
    private void Prune(int rate, double now)
    {
        if (Buckets < pruneAt)
            return;
        foreach ((uint uid, Source source) in callers)
        {
            if (!source.IsIdle(rate, now))
                continue;
            callers.Remove(uid);
            if (uid >> BlockBits != 0)
                inBlocks--;
        }

        foreach ((uint block, Source source) in blocks)
        {
            if (source.IsIdle((double)rate * CallersPerBlock, now))
                blocks.Remove(block);
        }

        pruneAt = Math.Max(LeastBeforePrune, Buckets * 2);
    }

    private sealed class Source(uint firstUid, uint lastUid, TokenBucket bucket)
    {
        private SuppressedRecords? sum;

        public TokenBucket Bucket { get; } = bucket;

        public bool IsIdle(double rate, double now) => sum is null && Bucket.IsFull(rate, now);

        public void Suppress(ReplyCode code, DateTimeOffset ended) => (sum ??= new SuppressedRecords(firstUid, lastUid)).Add(code, ended);

        public SuppressedRecords? TakeSum()
        {
            SuppressedRecords? taken = sum;
            sum = null;
            return taken;
        }
    }
}
