namespace PipeForkAs.Daemon.EventLoop;

/// <summary>
/// Collects what requests left behind when there are none for a moment, and gives the memory back to the system: the collector itself waits
/// until there is need, which on a machine with much memory does not come. It takes a few milliseconds, in which nobody waits.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="isIdle">Whether there are no requests.</param>
/// <param name="allocatedBytes">How many bytes were ever allocated.</param>
/// <param name="collect">Collects.</param>
internal sealed class IdleGarbageCollection(Loop loop, Func<bool> isIdle, Func<long> allocatedBytes, Action collect)
{
    /// <summary>So many new bytes are worth a collection; some 300 requests.</summary>
    internal const long WorthBytes = 4 << 20;

    /// <summary>How long after a request's end it is looked whether there are others.</summary>
    internal static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    private LoopTimer? look;
    private long allocated = allocatedBytes();

    /// <summary>With the process's own collector.</summary>
    public static IdleGarbageCollection OfProcess(Loop loop, Func<bool> isIdle) => new(
        loop, isIdle, static () => GC.GetTotalAllocatedBytes(),
        static () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true));

    /// <summary>A request has ended.</summary>
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
