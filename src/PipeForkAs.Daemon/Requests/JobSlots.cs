using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// Counts the running jobs, in total and for each bucket. Requests without a slot are queued for a limited time; the buckets take turns.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="turns">Shares the loop's time, because many requests may be refused at once.</param>
/// <param name="unkillable">The jobs that cannot be killed; they count as running jobs of their users.</param>
/// <param name="configuration">Defines how many jobs may run and how many requests may be queued.</param>
internal sealed class JobSlots(Loop loop, FairTurns turns, UnkillableJobs unkillable, CurrentConfiguration configuration)
{
    private readonly Loop loop = loop;
    private readonly Dictionary<Bucket, int> byBucket = [];
    private readonly FairQueue<QueuedRequest> queue = new();
    private Func<Bucket, bool>? mayTake;

    /// <summary>The number of running jobs.</summary>
    public int Taken { get; private set; }

    /// <summary>The number of requests that are queued for a slot.</summary>
    public int Queued => queue.Count;

    /// <summary>Takes a slot as soon as one is free. Disposing the result frees the slot.</summary>
    /// <param name="bucket">The caller's bucket.</param>
    /// <param name="leave">Receives the action to call if the caller disconnects while its request is queued.</param>
    /// <exception cref="RefusedException">
    /// No slot is free and the queue is full, no slot became free in time, or the caller disconnected.
    /// </exception>
    public ValueTask<Slot> TakeAsync(Bucket bucket, Action<Action> leave) =>
#pragma warning disable CA2000 // The receiver owns it and closes it.
        MayTake(bucket) ? new ValueTask<Slot>(Take(bucket)) : QueueAsync(bucket, leave);
#pragma warning restore CA2000

    /// <summary>Refuses all queued requests because the daemon is stopping.</summary>
    public void RefuseAll()
    {
        while (queue.TryTake(out FairQueue<QueuedRequest>.Place? next))
            Refuse(next, ReplyCode.ShuttingDown, "the daemon is stopping; nothing was run");
    }

    private async ValueTask<Slot> QueueAsync(Bucket bucket, Action<Action> leave)
    {
        string problem = Problem(bucket);
        if (!HasRoom(bucket))
            throw new RefusedException(ReplyCode.Busy, $"{problem}; ask again later");

        FairQueue<QueuedRequest>.Place place = queue.Add(bucket, new QueuedRequest());
        string late = $"{problem}, for {configuration.Limits.QueueTimeout.TotalSeconds:0.###} s now; ask again later";
        using (loop.Schedule(configuration.Limits.QueueTimeout, () => Leave(place, ReplyCode.Busy, late)))
        {
            leave(() => Leave(place, ReplyCode.Cancelled, "the client disconnected; nothing was run"));
            await Task.WhenAny(place.Item.Slot.Task);
        }

        await turns.EnterAsync(bucket);
        return await place.Item.Slot.Task;
    }

    /// <summary>
    /// Returns whether one more request may be queued. If the queue is full, the bucket with the most requests in it loses one to a bucket
    /// with fewer.
    /// </summary>
    private bool HasRoom(Bucket bucket)
    {
        if (queue.CountOf(bucket) >= configuration.Limits.MaxJobsPerUid)
            return false;
        if (queue.Count < configuration.Limits.MaxQueued)
            return true;
        if (queue.LastOfLongest() is not { } last || queue.CountOf(last.Bucket) <= queue.CountOf(bucket) + 1)
            return false;
        string full = $"{queue.Count} requests are waiting for a job to end, the maximum (Limits:MaxQueued), and most of them are yours";
        Leave(last, ReplyCode.Busy, $"{full}; ask again later");
        return true;
    }

    private bool MayTake(Bucket bucket) => HasSlot(bucket) && Running(bucket) < configuration.Limits.MaxJobsPerUid;

    private int Running(Bucket bucket) => byBucket.GetValueOrDefault(bucket) + unkillable.Of(bucket);

    private bool HasSlot(Bucket bucket) => Taken < configuration.Limits.MaxJobs + (bucket.IsRoot ? configuration.Limits.RootReserve : 0);

    private string Problem(Bucket bucket) => HasSlot(bucket)
        ? $"{Running(bucket)} of your jobs are running, the maximum (Limits:MaxJobsPerUid)"
        : $"{Taken} jobs are running, the maximum (Limits:MaxJobs)";

    private Slot Take(Bucket bucket)
    {
        Taken++;
        byBucket[bucket] = byBucket.GetValueOrDefault(bucket) + 1;
        return new Slot(this, bucket);
    }

    private void Leave(FairQueue<QueuedRequest>.Place place, ReplyCode code, string message)
    {
        if (queue.Remove(place))
            Refuse(place, code, message);
    }

    private static void Refuse(FairQueue<QueuedRequest>.Place place, ReplyCode code, string message) =>
        place.Item.Slot.SetException(new RefusedException(code, message));

    private void Free(Bucket bucket)
    {
        Taken--;
        if (--byBucket[bucket] == 0)
            byBucket.Remove(bucket);
        ServeQueued();
    }

    /// <summary>Gives free slots to queued requests. Called when a slot becomes free or the limits change.</summary>
    public void ServeQueued()
    {
        while (queue.TryTake(mayTake ??= MayTake, out FairQueue<QueuedRequest>.Place? next))
        {
            // Posted to the loop, because the continuation may free its slot before this loop is done.
#pragma warning disable CA2000 // The receiver owns it and closes it.
            var slot = new Granted(next.Item, Take(next.Bucket));
#pragma warning restore CA2000
            loop.Post(static granted => ((Granted)granted!).Complete(), slot);
        }
    }

    private async Task FreeAfterAsync(Bucket bucket, Bucket user, Leftovers left)
    {
        // The remaining processes now count for the target user. The count of the bucket stays the same, unless the target user is a
        // different user.
        await unkillable.WatchAsync(user, left, () => Free(bucket));
        ServeQueued();
    }

    internal sealed class Slot(JobSlots owner, Bucket bucket) : IDisposable
    {
        private Leftovers left = Leftovers.None;
        private Bucket user;

        /// <summary>Keeps the slot in use after <see cref="Dispose"/>, for a short time, until no process of the job is left.</summary>
        /// <param name="runsAs">The target user of the job.</param>
        /// <param name="ofJob">What may be left of the job.</param>
        public void KeepFor(Bucket runsAs, Leftovers ofJob) => (user, left) = (runsAs, ofJob);

        public void Dispose()
        {
            if (left.Gone.IsCompleted)
                owner.Free(bucket);
            else
                owner.loop.Start(() => owner.FreeAfterAsync(bucket, user, left));
        }
    }

    private sealed class QueuedRequest
    {
        public TaskCompletionSource<Slot> Slot { get; } = new();
    }

    private sealed record Granted(QueuedRequest Request, Slot Slot)
    {
        public void Complete() => Request.Slot.SetResult(Slot);
    }
}
