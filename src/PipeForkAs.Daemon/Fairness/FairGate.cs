using PipeForkAs.Daemon.EventLoop;

namespace PipeForkAs.Daemon.Fairness;

/// <summary>Lets a number of callers in at once and serves the buckets of those that wait in turn; for use on the loop.</summary>
/// <param name="loop">The loop.</param>
/// <param name="places">How many may be in, 1 or more.</param>
/// <param name="placesPerBucket">How many of one bucket may be in, 1 or more: what hangs for one caller leaves places for others.</param>
internal sealed class FairGate(Loop loop, int places, int placesPerBucket)
{
    private readonly Dictionary<Bucket, int> held = [];
    private readonly FairQueue<Waiter> waiting = new();
    private Func<Bucket, bool>? mayEnter;
    private int taken;

    /// <summary>Whether no place is taken and nobody waits.</summary>
    public bool IsIdle => taken == 0 && waiting.Count == 0;

    /// <summary>Waits for a place. True where it was taken, to be given back by <see cref="Leave"/>; false where it was given up.</summary>
    /// <param name="bucket">The caller's bucket.</param>
    /// <param name="givenUp">Completes when the caller does not need the place any more.</param>
    public ValueTask<bool> EnterAsync(Bucket bucket, Task givenUp)
    {
        if (!MayEnter(bucket))
            return WaitAsync(bucket, givenUp);
        Take(bucket);
        return new ValueTask<bool>(true);
    }

    /// <summary>Gives a place back, to the next bucket in turn.</summary>
    /// <param name="bucket">The bucket that took it.</param>
    public void Leave(Bucket bucket)
    {
        taken--;
        if (--held[bucket] == 0)
            held.Remove(bucket);
        while (waiting.TryTake(mayEnter ??= MayEnter, out FairQueue<Waiter>.Place? next))
        {
            Take(next.Bucket);
            next.Item.IsAdmitted = true;

            // Not inline: what goes on here may leave at once, and a long line would become a deep stack.
            loop.Post(static admitted => ((TaskCompletionSource)admitted!).SetResult(), next.Item.Admitted);
        }
    }

    private bool MayEnter(Bucket bucket) => taken < places && held.GetValueOrDefault(bucket) < placesPerBucket;

    private void Take(Bucket bucket)
    {
        taken++;
        held[bucket] = held.GetValueOrDefault(bucket) + 1;
    }

    private async ValueTask<bool> WaitAsync(Bucket bucket, Task givenUp)
    {
        var waiter = new Waiter();
        FairQueue<Waiter>.Place place = waiting.Add(bucket, waiter);
        await Task.WhenAny(waiter.Admitted.Task, givenUp);
        if (waiter.Admitted.Task.IsCompleted)
            return true;
        if (waiter.IsAdmitted)
            Leave(bucket);
        else
            waiting.Remove(place);
        return false;
    }

    private sealed class Waiter
    {
        public TaskCompletionSource Admitted { get; } = new();

        /// <summary>Whether the place is taken already, though the waiter does not know yet.</summary>
        public bool IsAdmitted { get; set; }
    }
}
