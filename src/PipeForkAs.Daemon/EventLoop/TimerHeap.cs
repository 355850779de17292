namespace PipeForkAs.Daemon.EventLoop;

/// <summary>A callback that is due at a time; dispose it to cancel it.</summary>
internal sealed class LoopTimer(TimerHeap heap, Action callback) : IDisposable
{
    internal long Due { get; set; }

    /// <summary>The position in the heap; -1 for none.</summary>
    internal int Index { get; set; } = -1;

    /// <summary>The object whose method is the callback.</summary>
    internal object? Target => callback.Target;

    internal void Fire() => callback();

    /// <summary>Cancels the timer, if it has not fired.</summary>
    public void Dispose() => heap.Remove(this);
}

/// <summary>
/// Timers by their due time: a binary heap in which each timer knows its position. Nearly all timers of requests are cancelled long before
/// they are due; a queue that only marks cancelled timers would contain those of five minutes of requests.
/// </summary>
internal sealed class TimerHeap
{
    private LoopTimer[] heap = new LoopTimer[64];

    public int Count { get; private set; }

    /// <summary>Adds a timer.</summary>
    /// <param name="timer">The timer, which is not in a heap yet.</param>
    /// <param name="due">When the timer is due, as a timestamp.</param>
    public void Add(LoopTimer timer, long due)
    {
        if (Count == heap.Length)
            Array.Resize(ref heap, heap.Length * 2);
        timer.Due = due;
        Up(Count++, timer);
    }

    /// <summary>Removes a timer; has no effect if it is not in the heap.</summary>
    public void Remove(LoopTimer timer)
    {
        int index = timer.Index;
        if (index < 0)
            return;

        timer.Index = -1;
        LoopTimer last = heap[--Count];
        heap[Count] = null!;
        if (last == timer)
            return;
        if (index > 0 && last.Due < heap[(index - 1) / 2].Due)
            Up(index, last);
        else
            Down(index, last);
    }

    /// <summary>
    /// Fires the timers that are due, but not more than there are now, so that a timer that schedules itself again cannot block the loop.
    /// Returns the milliseconds until the next timer, rounded up; -1 for none.
    /// </summary>
    public int FireDue(long now, Action<Exception> onFailure, long frequency, TurnClock? clock = null)
    {
        for (int left = Count; Count > 0; left--)
        {
            LoopTimer first = heap[0];
            if (first.Due > now)
                return Milliseconds(first.Due - now, frequency);
            if (left == 0)
                return 0;
            Remove(first);
            try
            {
                first.Fire();
            }
#pragma warning disable CA1031 // The edge of the loop: one connection's failure must not end the others.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                onFailure(failure);
            }

            clock?.StepEnded(first);
        }

        return -1;
    }

    private static int Milliseconds(long wait, long frequency) =>
        wait / frequency >= int.MaxValue / 1000 ? int.MaxValue : (int)(wait * 1000 / frequency) + 1;

    private void Up(int index, LoopTimer timer)
    {
        while (index > 0 && timer.Due < heap[(index - 1) / 2].Due)
        {
            Place(index, heap[(index - 1) / 2]);
            index = (index - 1) / 2;
        }

        Place(index, timer);
    }

    private void Down(int index, LoopTimer timer)
    {
        while (true)
        {
            int child = (2 * index) + 1;
            if (child >= Count)
                break;
            if (child + 1 < Count && heap[child + 1].Due < heap[child].Due)
                child++;
            if (heap[child].Due >= timer.Due)
                break;
            Place(index, heap[child]);
            index = child;
        }

        Place(index, timer);
    }

    private void Place(int index, LoopTimer timer)
    {
        heap[index] = timer;
        timer.Index = index;
    }
}
