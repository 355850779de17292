using System.Collections.Concurrent;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.EventLoop;

/// <summary>
/// The daemon's event loop: one thread and one epoll. Everything of a request runs on it as ordinary async methods whose awaits
/// are continued inline: no lock, no hop, no thread per job. What can block is awaited off the loop and comes back through
/// <see cref="Post"/>.
/// </summary>
internal sealed class Loop : SynchronizationContext, IDisposable
{
    /// <summary>After this time in one turn, continuations that are still posted wait for the next turn.</summary>
    private static readonly TimeSpan PostedBudget = TimeSpan.FromMilliseconds(5);

    private readonly FileDescriptor epoll = Libc.epoll_create1();
    private readonly FileDescriptor wake = Libc.eventfd();
    private readonly TimeProvider time;
    private readonly TimerHeap timers = new();
    private readonly ConcurrentQueue<(SendOrPostCallback Callback, object? State)> posted = new();
    private readonly List<Watch?> watches = [];
    private readonly Stack<int> freeSlots = new();
    private readonly EpollEvent[] events = new EpollEvent[256];
    private readonly Lock waking = new();
    private readonly byte[] wakeBuffer = new byte[sizeof(ulong)];
    private readonly Action<Exception> onFailure;
    private readonly TurnClock clock;
    private int generation;
    private int threadId;
    private volatile bool stopping;

    /// <summary>Makes a loop; <see cref="Run"/> runs it.</summary>
    /// <param name="time">What tells the time.</param>
    /// <param name="onFailure">Told of an exception that a callback let go; the loop goes on.</param>
    /// <param name="onLongTurn">Receives turns that took long, at most one in a second; null where nobody wants to know.</param>
    public Loop(TimeProvider time, Action<Exception> onFailure, Action<LongTurn>? onLongTurn = null)
    {
        this.time = time;
        this.onFailure = onFailure;
        clock = new TurnClock(time, Libc.thread_processor_time, onLongTurn ?? (static _ => { }));
        Libc.epoll_add(epoll, wake, EpollEvents.EPOLLIN | EpollEvents.EPOLLET, -1);
    }

    /// <summary>What tells the time.</summary>
    public TimeProvider Time => time;

    /// <summary>How often it has waited for events: what was read in this turn is as fresh as the events that are handled in it.</summary>
    public long Turn { get; private set; }

    /// <summary>How long its turns took. For use on the loop.</summary>
    public TurnTimes TurnTimes => clock.Times;

    /// <summary>How long the loop's thread has run on a processor in this turn. For use on the loop.</summary>
    public TimeSpan ProcessorTimeOfTurn => clock.OnProcessor;

    /// <summary>Runs the loop on the calling thread until <see cref="Stop"/>.</summary>
    public void Run()
    {
        threadId = Environment.CurrentManagedThreadId;
        SynchronizationContext? former = Current;
        SetSynchronizationContext(this);
        try
        {
            clock.Begin();
            while (!stopping)
            {
                RunPosted();
                int due = timers.FireDue(time.GetTimestamp(), onFailure, time.TimestampFrequency, clock);
                clock.End();
                if (stopping)
                    return;
                Turn++;
                int count = Libc.epoll_wait(epoll, events, posted.IsEmpty ? due : 0);
                clock.Begin();
                for (int i = 0; i < count; i++)
                    Dispatch(events[i]);
            }
        }
        finally
        {
            SetSynchronizationContext(former);
        }
    }

    /// <summary>Ends <see cref="Run"/>; from any thread.</summary>
    public void Stop()
    {
        stopping = true;
        Wake();
    }

    /// <summary>Watches a descriptor, on its edges, until the watch is disposed, which must be before the descriptor is closed.</summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="interest">What for. Room for writing is added by who waits for it.</param>
    /// <param name="name">What it is, for the report of a turn that took long.</param>
    /// <param name="hungUp">Called once when both directions are closed: the peer of a socket is gone. Null for nothing.</param>
    /// <exception cref="SystemCallException">It cannot be watched.</exception>
    public Watch Watch(FileDescriptor descriptor, EpollEvents interest, string name = "a descriptor", Action? hungUp = null)
    {
        if (!freeSlots.TryPop(out int slot))
        {
            slot = watches.Count;
            watches.Add(null);
        }

        var watch = new Watch(this, descriptor, interest | EpollEvents.EPOLLET, slot, generation++ & int.MaxValue, name, hungUp);
        try
        {
            Libc.epoll_add(epoll, descriptor, watch.Interest, Data(watch));
        }
        catch
        {
            freeSlots.Push(slot);
            throw;
        }

        watches[slot] = watch;
        return watch;
    }

    /// <summary>Calls back on the loop after a time.</summary>
    public LoopTimer Schedule(TimeSpan delay, Action callback)
    {
        var timer = new LoopTimer(timers, callback);
        timers.Add(timer, time.GetTimestamp() + (long)Math.Min(delay.TotalSeconds * time.TimestampFrequency, long.MaxValue / 2));
        return timer;
    }

    /// <summary>Waits on the loop.</summary>
    public Task DelayAsync(TimeSpan delay)
    {
        var elapsed = new TaskCompletionSource();
#pragma warning disable CA2000 // The timer is to fire, and is not kept to cancel it.
        Schedule(delay, elapsed.SetResult);
#pragma warning restore CA2000
        return elapsed.Task;
    }

    /// <summary>Starts, on the loop, what nobody awaits. What it fails with is told as a callback's failure is, and not lost.</summary>
    public void Start(Func<Task> work) => _ = ObserveAsync(work);

    /// <summary>Does something behind which more must be done. What it fails with is told as a callback's failure is.</summary>
    public void Guard(Action action)
    {
        try
        {
            action();
        }
#pragma warning disable CA1031 // The edge of the loop: one connection's failure must not end the others.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            onFailure(failure);
        }
    }

    /// <inheritdoc/>
    public override void Post(SendOrPostCallback d, object? state)
    {
        posted.Enqueue((d, state));
        if (Environment.CurrentManagedThreadId != threadId)
            Wake();
    }

    /// <inheritdoc/>
    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("nobody waits for the loop");

    /// <inheritdoc/>
    public override SynchronizationContext CreateCopy() => this;

    /// <inheritdoc/>
    public void Dispose()
    {
        epoll.Dispose();
        lock (waking)
            wake.Dispose();
    }

    /// <summary>The watch's interest is another: what is so already is told once more.</summary>
    internal void Renew(Watch watch, EpollEvents interest) => Libc.epoll_modify(epoll, watch.Descriptor, interest, Data(watch));

    /// <summary>Forgets a watch.</summary>
    internal void Remove(Watch watch)
    {
        watches[watch.Slot] = null;
        freeSlots.Push(watch.Slot);
        Libc.epoll_delete(epoll, watch.Descriptor);
    }

    /// <summary>By which <see cref="Dispatch"/> finds a watch, and nothing where it is gone.</summary>
    private static long Data(Watch watch) => ((long)watch.Generation << 32) | (uint)watch.Slot;

    private void Wake()
    {
        Span<byte> one = stackalloc byte[sizeof(ulong)];
        one.Clear();
        one[0] = 1;

        // A look-up may end when the loop has ended already: the descriptor's number could be another's by then.
        lock (waking)
        {
            if (!wake.IsClosed)
                Libc.write(wake, one);
        }
    }

    private void RunPosted()
    {
        // Only those that are there now: what they post themselves waits until the descriptors had their turn. The same where there are
        // many.
        for (int left = posted.Count; left > 0 && clock.Elapsed < PostedBudget
            && posted.TryDequeue(out (SendOrPostCallback Callback, object? State) item); left--)
        {
            Guard(() => item.Callback(item.State));
            clock.StepEnded(item.State ?? item.Callback);
        }
    }

    private void Dispatch(EpollEvent happened)
    {
        if (happened.Data == -1)
        {
            Libc.read(wake, wakeBuffer);
            return;
        }

        // An event of a descriptor that was closed earlier in the same round finds another watch, or none, in its slot.
        int slot = (int)(happened.Data & uint.MaxValue);
        if (watches[slot] is { } watch && watch.Generation == (int)(happened.Data >> 32))
        {
            try
            {
                watch.Happened(happened.Events);
            }
#pragma warning disable CA1031 // The edge of the loop: one connection's failure must not end the others.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                onFailure(failure);
            }

            clock.StepEnded(watch);
        }
    }

    private async Task ObserveAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
#pragma warning disable CA1031 // The edge of the loop: one connection's failure must not end the others.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            onFailure(failure);
        }
    }
}
