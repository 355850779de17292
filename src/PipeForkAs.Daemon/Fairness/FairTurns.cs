using PipeForkAs.Daemon.EventLoop;

namespace PipeForkAs.Daemon.Fairness;

/// <summary>
/// Shares the loop's own time. A piece of work that a client can make expensive, for example the read of its request, waits here for its
/// turn: the buckets are served in turn, and after <see cref="Budget"/> the loop serves the descriptors again before the next piece. One
/// piece can exceed the budget by its own duration, which the limits of a request keep near one millisecond.
/// </summary>
/// <param name="loop">The loop.</param>
internal sealed class FairTurns(Loop loop)
{
    /// <summary>The time that pieces of work can take in one turn of the loop.</summary>
    internal static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(2);

    private readonly FairQueue<TaskCompletionSource> waiting = new();
    private readonly long budget = (long)(Budget.TotalSeconds * loop.Time.TimestampFrequency);
    private long turn = -1;
    private long end;
    private bool isPosted;

    /// <summary>The number of waiting pieces of work.</summary>
    public int Waiting => waiting.Count;

    /// <summary>Whether a piece of work would not have to wait now.</summary>
    public bool HasTime
    {
        get
        {
            if (waiting.Count > 0)
                return false;
            long now = loop.Time.GetTimestamp();
            if (loop.Turn != turn)
                (turn, end) = (loop.Turn, now + budget);
            return now < end;
        }
    }

    /// <summary>
    /// Waits for a turn; completes at once if nothing waits and there is time. The piece of work is what the calling method does after that
    /// until it awaits something else.
    /// </summary>
    /// <param name="bucket">The bucket that the work is for.</param>
    public ValueTask EnterAsync(Bucket bucket)
    {
        if (HasTime)
            return ValueTask.CompletedTask;
        var begin = new TaskCompletionSource();
        waiting.Add(bucket, begin);
        Post();
        return new ValueTask(begin.Task);
    }

    private void Post()
    {
        if (isPosted)
            return;
        isPosted = true;
        loop.Post(static turns => ((FairTurns)turns!).Serve(), this);
    }

    /// <summary>Runs pieces of work, at least one, until the time is up. Each runs inline, within SetResult.</summary>
    private void Serve()
    {
        isPosted = false;
        (turn, end) = (loop.Turn, loop.Time.GetTimestamp() + budget);
        while (waiting.TryTake(out FairQueue<TaskCompletionSource>.Place? next))
        {
            next.Item.SetResult();
            if (loop.Time.GetTimestamp() >= end)
                break;
        }

        if (waiting.Count > 0)
            Post();
    }
}
