using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Untrusted;

/// <summary>
/// Closes sockets that the loop must not close, in separate processes (<see cref="ReleasingProcess"/>): in batches of one bucket each. A
/// process that does not finish a batch in time is killed, and another process takes the next batch. When a process is killed, the kernel
/// usually closes its remaining sockets at once: a socket with SO_LINGER does not linger then (inet_release in the kernel's af_inet.c
/// checks PF_EXITING). But the kernel still waits for a pipe whose lock another process holds (pipe_release in pipe.c), and the killed
/// process does not end before the lock is free. So each bucket can stop one process: after that its sockets go to a holder, a process that
/// closes nothing as long as it lives, and the bucket is banned. The daemon itself keeps none of these sockets: it can always end. The
/// daemon starts these processes when it needs them. For use on the loop.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="reaper">Reaps the processes.</param>
/// <param name="offenders">Bans buckets; the sockets of banned buckets stay open.</param>
/// <param name="logger">The log.</param>
internal sealed class SocketReleaser(Loop loop, ChildReaper reaper, Offenders offenders, ILogger logger)
{
    /// <summary>The most sockets of a holder; then the daemon ends the holder, and another one replaces it.</summary>
    private const int MaxHeldSockets = 8192;

    private static readonly TimeSpan BatchTimeout = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a killed process can take to end; after that, what it closes counts as something that cannot be closed.</summary>
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(1);

    /// <summary>The interval between checks whether holders are still needed.</summary>
    private static readonly TimeSpan HolderCheckInterval = TimeSpan.FromSeconds(1);

    /// <summary>How long the closing process stays without work.</summary>
    private static readonly TimeSpan IdlePause = TimeSpan.FromSeconds(2);

    /// <summary>How long a stop tries to hand over the waiting sockets, and how long it waits between two attempts.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(2), StopPause = TimeSpan.FromMilliseconds(10);

    private readonly FairQueue<FileDescriptor> waiting = new();
    private readonly Dictionary<Bucket, SocketHolder> holders = [];

    /// <summary>Killed processes that have not ended, by the bucket whose sockets they close.</summary>
    private readonly Dictionary<Bucket, int> ending = [];
    private SocketBatch? collected;
    private ReleasingHelper? closer, last;
    private Bucket closing;
    private LoopTimer? next, look, idle;
    private TaskCompletionSource? allEnded;
    private bool stopped;

    /// <summary>The number of sockets that wait to be closed or kept.</summary>
    public int Waiting => waiting.Count;

    private SocketBatch Batch => collected ??= new SocketBatch(waiting);

    /// <summary>Closes a socket, soon.</summary>
    /// <param name="socket">The socket; it no longer belongs to the calling method.</param>
    /// <param name="peer">The bucket of the process at the other end.</param>
    public void Release(FileDescriptor socket, Bucket peer)
    {
        // For its owner, the object is closed from now on.
#pragma warning disable CA2000 // The receiver owns it, and closes it.
        waiting.Add(peer, new FileDescriptor(socket.Release()));
#pragma warning restore CA2000
        ScheduleNext(TimeSpan.Zero);
    }

    /// <summary>
    /// Hands the waiting sockets to a last process, so that the exit of the daemon closes none of them, and ends all processes. Waits a
    /// short time for that, but not for processes that cannot close their sockets.
    /// </summary>
    public async Task StopAsync()
    {
        stopped = true;
        next?.Dispose();
        look?.Dispose();
        idle?.Dispose();
        long begun = loop.Time.GetTimestamp();
        while (!HandOver() && loop.Time.GetElapsedTime(begun) < StopPatience)
            await loop.DelayAsync(StopPause);
        if (waiting.Count > 0)
            Log.SocketsLeft(logger, waiting.Count);

        if (last is not null)
            Kill(last, Bucket.Root);
        if (closer is not null)
            Kill(closer, closing);
        foreach ((Bucket bucket, SocketHolder holder) in holders)
            Kill(holder.Helper, bucket);
        if (ending.Count > 0)
            await Task.WhenAny((allEnded = new TaskCompletionSource()).Task, loop.DelayAsync(EndPatience));
    }

    private void ScheduleNext(TimeSpan delay)
    {
        if (!stopped)
            next ??= loop.Schedule(delay, StartBatch);
    }

    private void StartBatch()
    {
        next = null;
        if (stopped)
            return;
        while (waiting.TryTake(MustKeep, out FairQueue<FileDescriptor>.Place? kept))
        {
            if (Keep(Batch.Collect(kept)))
                continue;
            ScheduleNext(RetryPause);
            break;
        }

        idle?.Dispose();
        idle = null;
        if (closer is { IsBusy: true })
            return;
        if (!waiting.TryTake(bucket => !MustKeep(bucket), out FairQueue<FileDescriptor>.Place? first))
        {
            if (closer is not null)
                idle = loop.Schedule(IdlePause, EndIdle);
            return;
        }

        if (closer is null)
        {
            waiting.Add(first.Bucket, first.Item);
            closing = Bucket.Root;
            closer = Start();
            closer?.Await(StartTimeout, ReplaceCloser);
            return;
        }

        closing = Batch.Collect(first);
        if (!Batch.Send(closer, closing) || !closer.Go(BatchTimeout, ReplaceCloser))
            ReplaceCloser();
    }

    /// <summary>Whether the sockets of a bucket must not be closed now.</summary>
    private bool MustKeep(Bucket bucket) => ending.ContainsKey(bucket) || offenders.IsBanned(bucket);

    /// <summary>
    /// Gives the batch to the holder of the bucket. Returns false if that is not possible now; the sockets of the batch wait again.
    /// </summary>
    private bool Keep(Bucket bucket)
    {
        if (!holders.TryGetValue(bucket, out SocketHolder? holder))
        {
            if (Start() is not { } helper)
            {
                Batch.PutBack(bucket);
                return false;
            }

            holders.Add(bucket, holder = new SocketHolder(helper));
            look ??= loop.Schedule(HolderCheckInterval, Look);
        }

        int count = Batch.Count;
        if (!Batch.Send(holder.Helper, bucket))
            return false;
        holder.Count += count;
        if (holder.Count >= MaxHeldSockets)
            End(bucket, holder);
        return true;
    }

    /// <summary>Ends the holders that are no longer needed: that closes their sockets.</summary>
    private void Look()
    {
        look = null;
        foreach ((Bucket bucket, SocketHolder holder) in holders)
        {
            if (!MustKeep(bucket))
                End(bucket, holder);
        }

        if (holders.Count > 0)
            look = loop.Schedule(HolderCheckInterval, Look);
    }

    private void End(Bucket bucket, SocketHolder holder)
    {
        holders.Remove(bucket);
        Kill(holder.Helper, bucket);
    }

    /// <summary>Hands all waiting sockets to the last process. Returns false if the process cannot take them now.</summary>
    private bool HandOver()
    {
        while (waiting.TryTake(out FairQueue<FileDescriptor>.Place? first))
        {
            Bucket bucket = Batch.Collect(first);
            last ??= Start();
            if (last is null)
            {
                Batch.PutBack(bucket);
                return false;
            }

            if (!Batch.Send(last, bucket))
                return false;
        }

        return true;
    }

    /// <summary>Starts a process. Returns null if that fails; a later call tries again.</summary>
    private ReleasingHelper? Start()
    {
        try
        {
            var helper = ReleasingHelper.Start(loop, reaper, () => ScheduleNext(TimeSpan.Zero));
            loop.Start(() => EndedAsync(helper));
            return helper;
        }
        catch (SystemCallException failure)
        {
            Log.ReleaserFailed(logger, failure.Message, waiting.Count);
            ScheduleNext(RetryPause);
            return null;
        }
    }

    /// <summary>Handles a process that ended without an order from the daemon: its sockets are closed.</summary>
    private async Task EndedAsync(ReleasingHelper helper)
    {
        await helper.Ended;
        if (closer == helper)
        {
            helper.End();
            closer = null;
            ScheduleNext(RetryPause);
        }

        foreach ((Bucket bucket, SocketHolder holder) in holders)
        {
            if (holder.Helper != helper)
                continue;
            helper.End();
            holders.Remove(bucket);
            ScheduleNext(RetryPause);
        }
    }

    private void EndIdle()
    {
        idle = null;
        if (closer is not { IsBusy: false } unused)
            return;
        closer = null;
        Kill(unused, Bucket.Root);
    }

    /// <summary>Replaces the closing process if it hangs, or if messages to it fail.</summary>
    private void ReplaceCloser()
    {
        ReleasingHelper hanging = closer!;
        closer = null;
        Kill(hanging, closing);
        ScheduleNext(TimeSpan.Zero);
    }

    private void Kill(ReleasingHelper helper, Bucket bucket) => loop.Start(() => UntilEndedAsync(helper, bucket));

    private async Task UntilEndedAsync(ReleasingHelper helper, Bucket bucket)
    {
        ending[bucket] = ending.GetValueOrDefault(bucket) + 1;
        helper.End();
        if (await Task.WhenAny(helper.Ended, loop.DelayAsync(EndPatience)) != helper.Ended)
        {
            offenders.Hangs(bucket);
            await helper.Ended;
            offenders.Ends(bucket);
        }

        if (--ending[bucket] == 0)
            ending.Remove(bucket);
        if (ending.Count == 0)
            allEnded?.TrySetResult();
        ScheduleNext(TimeSpan.Zero);
    }

    /// <summary>A process that keeps sockets open.</summary>
    private sealed class SocketHolder(ReleasingHelper helper)
    {
        public ReleasingHelper Helper => helper;

        /// <summary>The number of sockets that the process got.</summary>
        public int Count { get; set; }
    }
}
