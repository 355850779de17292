using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>
/// Counts what runs at once, in all and for each bucket. Requests for which there is no slot wait for a time; the buckets are served in
/// turn.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="turns">Shares the loop's time: many requests may be refused at once.</param>
/// <param name="unkillable">The jobs that cannot be killed: they count as running ones of their users.</param>
/// <param name="configuration">Say how many jobs may run and how many requests may wait.</param>
internal sealed class JobSlots(Loop loop, FairTurns turns, UnkillableJobs unkillable, CurrentConfiguration configuration)
{
    private readonly Loop loop = loop;
    private readonly Dictionary<Bucket, int> byBucket = [];
    private readonly FairQueue<Waiter> waiting = new();
    private Func<Bucket, bool>? mayTake;

    /// <summary>Jobs that run now.</summary>
    public int Taken { get; private set; }

    /// <summary>Requests that wait for a slot.</summary>
    public int Waiting => waiting.Count;

    /// <summary>Takes a slot, when there is one; disposing what comes back frees it.</summary>
    /// <param name="bucket">The caller's bucket.</param>
    /// <param name="leave">Takes what is to be called when the client goes away meanwhile.</param>
    /// <exception cref="RefusedException">There is none and the queue is full, none became free in time, or the client went
    /// away.</exception>
    public ValueTask<Slot> TakeAsync(Bucket bucket, Action<Action> leave) =>
#pragma warning disable CA2000 // The receiver owns it, and closes it.
        MayTake(bucket) ? new ValueTask<Slot>(Take(bucket)) : WaitAsync(bucket, leave);
#pragma warning restore CA2000

    /// <summary>The daemon stops: nobody waits any more.</summary>
    public void RefuseAll()
    {
        while (waiting.TryTake(out FairQueue<Waiter>.Place? next))
            Refuse(next, ReplyCode.ShuttingDown, "the daemon is stopping; nothing was run");
    }

    private async ValueTask<Slot> WaitAsync(Bucket bucket, Action<Action> leave)
    {
        string problem = Problem(bucket);
        if (!HasRoom(bucket))
            throw new RefusedException(ReplyCode.Busy, $"{problem}; ask again later");

        FairQueue<Waiter>.Place place = waiting.Add(bucket, new Waiter());
        string late = $"{problem}, for {configuration.Limits.QueueTimeout.TotalSeconds:0.###} s now; ask again later";
        using (loop.Schedule(configuration.Limits.QueueTimeout, () => Leave(place, ReplyCode.Busy, late)))
        {
            leave(() => Leave(place, ReplyCode.Cancelled, "the client went away; nothing was run"));
            await Task.WhenAny(place.Item.Slot.Task);
        }

        await turns.EnterAsync(bucket);
        return await place.Item.Slot.Task;
    }

    /// <summary>Whether one more may wait. Where the queue is full, the bucket with the most in it makes room for one with fewer.</summary>
    private bool HasRoom(Bucket bucket)
    {
        if (waiting.CountOf(bucket) >= configuration.Limits.MaxJobsPerUid)
            return false;
        if (waiting.Count < configuration.Limits.MaxQueued)
            return true;
        if (waiting.LastOfLongest() is not { } last || waiting.CountOf(last.Bucket) <= waiting.CountOf(bucket) + 1)
            return false;
        string full = $"{waiting.Count} requests are waiting for a job to end, the maximum (Limits:MaxQueued), and most of them are yours";
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

    private void Leave(FairQueue<Waiter>.Place place, ReplyCode code, string message)
    {
        if (waiting.Remove(place))
            Refuse(place, code, message);
    }

    private static void Refuse(FairQueue<Waiter>.Place place, ReplyCode code, string message) =>
        place.Item.Slot.SetException(new RefusedException(code, message));

    private void Free(Bucket bucket)
    {
        Taken--;
        if (--byBucket[bucket] == 0)
            byBucket.Remove(bucket);
        ServeWaiting();
    }

    /// <summary>Gives slots to those who wait, where there are any: one became free, or more may be taken than before.</summary>
    public void ServeWaiting()
    {
        while (waiting.TryTake(mayTake ??= MayTake, out FairQueue<Waiter>.Place? next))
        {
            // Not inline: what goes on here may free its slot before this loop is done.
#pragma warning disable CA2000 // The receiver owns it, and closes it.
            var slot = new Granted(next.Item, Take(next.Bucket));
#pragma warning restore CA2000
            loop.Post(static granted => ((Granted)granted!).Complete(), slot);
        }
    }

    private async Task FreeAfterAsync(Bucket bucket, Bucket user, Task gone)
    {
        // Where it counts from then on, the number of the bucket that may run more is the same as before, unless the user is another.
        await unkillable.WatchAsync(user, gone, () => Free(bucket));
        ServeWaiting();
    }

    /// <summary>A slot.</summary>
    internal sealed class Slot(JobSlots owner, Bucket bucket) : IDisposable
    {
        private Task gone = Task.CompletedTask;
        private Bucket user;

        /// <summary>Has it stay taken, after <see cref="Dispose"/>, for a short time, until nothing is left of a job.</summary>
        /// <param name="runsAs">Whom the job runs as.</param>
        /// <param name="whenGone">Completes when nothing is left of it.</param>
        public void KeepFor(Bucket runsAs, Task whenGone) => (user, gone) = (runsAs, whenGone);

        /// <summary>Frees it.</summary>
        public void Dispose()
        {
            if (gone.IsCompleted)
                owner.Free(bucket);
            else
                owner.loop.Start(() => owner.FreeAfterAsync(bucket, user, gone));
        }
    }

    private sealed class Waiter
    {
        public TaskCompletionSource<Slot> Slot { get; } = new();
    }

    private sealed record Granted(Waiter Waiter, Slot Slot)
    {
        public void Complete() => Waiter.Slot.SetResult(Slot);
    }
}
