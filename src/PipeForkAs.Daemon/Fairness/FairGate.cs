using PipeForkAs.Daemon.EventLoop;

namespace PipeForkAs.Daemon.Fairness;

/// <summary>
/// Admits a limited number of callers at once, and serves the buckets of the waiting callers in turn; for use on the loop.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="places">The maximum number of admitted callers, 1 or more.</param>
/// <param name="placesPerBucket">The maximum for one bucket, 1 or more: work that hangs for one caller leaves places for others.</param>
internal sealed class FairGate(Loop loop, int places, int placesPerBucket)
{
    private readonly Dictionary<Bucket, int> held = [];
    private readonly FairQueue<Waiter> waiting = new();
    private Func<Bucket, bool>? mayEnter;
    private int taken;

    /// <summary>Whether no place is taken and no caller waits.</summary>
    public bool IsIdle => taken == 0 && waiting.Count == 0;

    /// <summary>
    /// Waits for a place. Returns true if it took a place, which <see cref="Leave"/> must give back; false if the wait was given up.
    /// </summary>
    /// <param name="bucket">The bucket of the caller.</param>
    /// <param name="givenUp">Completes when the caller no longer needs the place.</param>
    public ValueTask<bool> EnterAsync(Bucket bucket, Task givenUp)
    {
        if (!MayEnter(bucket))
            return WaitAsync(bucket, givenUp);
        Take(bucket);
        return new ValueTask<bool>(true);
    }

    /// <summary>Gives a place back, to the next bucket in turn.</summary>
    /// <param name="bucket">The bucket that took the place.</param>
    public void Leave(Bucket bucket)
    {
        taken--;
        if (--held[bucket] == 0)
            held.Remove(bucket);
        while (waiting.TryTake(mayEnter ??= MayEnter, out FairQueue<Waiter>.Place? next))
        {
            Take(next.Bucket);
            next.Item.IsAdmitted = true;

            // Not inline: the code that continues can leave at once, and a long line would become a deep stack.
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

        /// <summary>Whether the place is already taken, although the waiting code has not resumed yet.</summary>
        public bool IsAdmitted { get; set; }
    }
}
