using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Untrusted;

/// <summary>
/// Closes sockets that the loop must not close, in processes of their own (<see cref="ReleasingProcess"/>): in batches, each of one
/// bucket. A process that does not finish a batch in time is killed, and the next batch has another. What a process still has when it is
/// killed is mostly closed at once: a socket that lingers does not then (inet_release in the kernel's af_inet.c looks at PF_EXITING). A
/// pipe whose lock somebody holds is waited for all the same (pipe_release in pipe.c), and that process does not end before the lock is
/// free. So each bucket can stop one process: from then on its sockets go to a holder, a process that closes nothing as long as it lives,
/// and the bucket is banned. The daemon itself holds none of them: it can always end. Processes are started when they are needed. All on
/// the loop.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="reaper">Reaps the processes.</param>
/// <param name="offenders">Bans buckets; the sockets of banned ones are kept.</param>
/// <param name="logger">The log.</param>
internal sealed class SocketReleaser(Loop loop, ChildReaper reaper, Offenders offenders, ILogger logger)
{
    /// <summary>How many sockets a holder holds before it is ended, and another one takes its place.</summary>
    private const int MaxHeldSockets = 8192;

    private static readonly TimeSpan BatchTimeout = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a killed process may take to end; then what it closes counts as something that cannot be closed.</summary>
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(1);

    /// <summary>How often it is looked whether holders are still needed.</summary>
    private static readonly TimeSpan HolderCheckInterval = TimeSpan.FromSeconds(1);

    /// <summary>How long the process that closes stays without work.</summary>
    private static readonly TimeSpan IdlePause = TimeSpan.FromSeconds(2);

    /// <summary>How long a stop tries to hand over what waits, and how long it waits between two tries.</summary>
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

    /// <summary>Sockets that wait to be closed or kept.</summary>
    public int Waiting => waiting.Count;

    private SocketBatch Batch => collected ??= new SocketBatch(waiting);

    /// <summary>Closes a socket, soon.</summary>
    /// <param name="socket">The socket, from here on not the caller's.</param>
    /// <param name="peer">The bucket of the process at its other end.</param>
    public void Release(FileDescriptor socket, Bucket peer)
    {
        // The owner's object is closed for it from now on.
#pragma warning disable CA2000 // The receiver owns it, and closes it.
        waiting.Add(peer, new FileDescriptor(socket.Release()));
#pragma warning restore CA2000
        ScheduleNext(TimeSpan.Zero);
    }

    /// <summary>
    /// Hands what waits to a last process, so that the daemon's own end closes none of it, and ends all of them. Waits a short time for
    /// that, and not for those that cannot close what they hold.
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

    /// <summary>Whether a bucket's sockets must not be closed now.</summary>
    private bool MustKeep(Bucket bucket) => ending.ContainsKey(bucket) || offenders.IsBanned(bucket);

    /// <summary>Gives the batch to the bucket's holder. False where that cannot be done now; what is in it waits again.</summary>
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

    /// <summary>Ends the holders that are not needed any more: what they hold is closed then.</summary>
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

    /// <summary>Hands all that waits to the last process. False where it cannot take it now.</summary>
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

    /// <summary>Starts a process. Null where that fails; it is tried again.</summary>
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

    /// <summary>A process ends that was not told to: what it held is closed.</summary>
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

    /// <summary>The closer hangs, or cannot be talked to.</summary>
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

        /// <summary>How many it was given.</summary>
        public int Count { get; set; }
    }
}
