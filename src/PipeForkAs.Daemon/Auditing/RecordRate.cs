using PipeForkAs.Daemon.Logging;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Auditing;

/// <summary>
/// Decides which records of requests that ran nothing are written in full. Such a request costs its caller nothing: without a limit,
/// callers decide how fast log and file grow. <see cref="PerMinute"/> records of each uid pass at once, and the same number per minute; the
/// others are counted.
/// </summary>
/// <remarks>
/// A user may have 65,536 subordinate uids beside its own, by default from 100,000 on (subuid(5); SUB_UID_MIN and SUB_UID_COUNT in
/// login.defs(5)), and none below 65,536. So each block of 65,536 uids from there on has a rate too, and the number of buckets for single
/// uids in blocks is limited. A user's subordinate uids exhaust the rates of their own two blocks, and no other caller's.
/// </remarks>
/// <param name="time">What tells the time.</param>
internal sealed class RecordRate(TimeProvider time)
{
    /// <summary>The rate of a block of uids, in rates of one uid.</summary>
    public const int CallersPerBlock = 8;

    private const int BlockBits = 16;

    /// <summary>The most buckets for single uids in blocks; beyond that, uids have their block's bucket alone.</summary>
    private const int MaxInBlocks = 4096;

    /// <summary>The least number of buckets before full ones are dropped.</summary>
    private const int LeastBeforePrune = 256;

    private readonly Dictionary<uint, Source> callers = [];
    private readonly Dictionary<uint, Source> blocks = [];
    private int pruneAt = LeastBeforePrune;
    private int inBlocks;

    /// <summary>Records of one uid per minute, at least 1; null for all.</summary>
    public int? PerMinute { get; set; }

    /// <summary>Records that were not written in full since the daemon started.</summary>
    public long Suppressed { get; private set; }

    /// <summary>The number of buckets.</summary>
    public int Buckets => callers.Count + blocks.Count;

    /// <summary>Whether a record is to be written in full. Otherwise it is counted, for <see cref="TakeSums"/>.</summary>
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

    /// <summary>What was counted since the last call, for each caller or block of callers.</summary>
    public IReadOnlyList<SuppressedRecords> TakeSums() =>
        [.. callers.Values.Concat(blocks.Values).Select(source => source.TakeSum()).OfType<SuppressedRecords>()];

    private static Source Find(Dictionary<uint, Source> sources, uint key, uint firstUid, uint lastUid, double rate, double now)
    {
        if (!sources.TryGetValue(key, out Source? source))
            sources.Add(key, source = new Source(firstUid, lastUid, new TokenBucket(rate, now)));
        return source;
    }

    /// <summary>
    /// Drops buckets that are full, as new ones are. The threshold doubles with what is left, so the cost per record is constant.
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
