namespace PipeForkAs.Daemon.EventLoop;

/// <summary>
/// Collects the garbage of requests when there are none for a moment, and returns the memory to the system. Without this, the collector
/// waits until memory is scarce, which never happens on a machine with much memory. A collection takes a few milliseconds, in which no
/// request waits.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="isIdle">Whether there are no requests.</param>
/// <param name="allocatedBytes">Returns the number of bytes ever allocated.</param>
/// <param name="collect">Collects.</param>
internal sealed class IdleGarbageCollection(Loop loop, Func<bool> isIdle, Func<long> allocatedBytes, Action collect)
{
    /// <summary>The number of new bytes that justifies a collection; about 300 requests.</summary>
    internal const long WorthBytes = 4 << 20;

    /// <summary>The time from the end of a request to the check whether there are others.</summary>
    internal static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    private LoopTimer? look;
    private long allocated = allocatedBytes();

    /// <summary>Makes an object that uses the collector of this process.</summary>
    public static IdleGarbageCollection OfProcess(Loop loop, Func<bool> isIdle) => new(
        loop, isIdle, static () => GC.GetTotalAllocatedBytes(),
        static () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true));

    /// <summary>Called when a request has ended.</summary>
    public void RequestEnded() => look ??= loop.Schedule(Rest, Look);

    private void Look()
    {
        look = null;
        long now = allocatedBytes();
        if (!isIdle() || now - allocated < WorthBytes)
            return;
        allocated = now;
        collect();
    }
}
