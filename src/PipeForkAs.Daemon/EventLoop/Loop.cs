using System.Collections.Concurrent;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.EventLoop;

/// <summary>
/// The daemon's event loop: one thread and one epoll. All code of a request runs on it as ordinary async methods whose awaits continue
/// inline: no lock, no thread switch, no thread for each job. Blocking work is awaited off the loop and returns through <see cref="Post"/>.
/// </summary>
internal sealed class Loop : SynchronizationContext, IDisposable
{
    /// <summary>After this time in one turn, the remaining posted continuations wait for the next turn.</summary>
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
    /// <param name="time">The clock.</param>
    /// <param name="onFailure">Receives an exception that a callback did not catch; the loop continues.</param>
    /// <param name="onLongTurn">Receives turns that took long, at most one per second; null for none.</param>
    public Loop(TimeProvider time, Action<Exception> onFailure, Action<LongTurn>? onLongTurn = null)
    {
        this.time = time;
        this.onFailure = onFailure;
        clock = new TurnClock(time, Libc.thread_processor_time, onLongTurn ?? (static _ => { }));
        Libc.epoll_add(epoll, wake, EpollEvents.EPOLLIN | EpollEvents.EPOLLET, -1);
    }

    /// <summary>The clock.</summary>
    public TimeProvider Time => time;

    /// <summary>
    /// The number of waits for events so far: data that was read in this turn is as recent as the events that are handled in it.
    /// </summary>
    public long Turn { get; private set; }

    /// <summary>The durations of the turns. For use on the loop.</summary>
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

    /// <summary>
    /// Watches a descriptor, edge-triggered, until the watch is disposed; dispose the watch before the descriptor is closed.
    /// </summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="interest">The events to watch for. A method that waits for room to write adds that event.</param>
    /// <param name="name">The name of the descriptor, for the report of a turn that took long.</param>
    /// <param name="hungUp">Called once when both directions are closed: the peer of a socket is gone. Null for no callback.</param>
    /// <exception cref="SystemCallException">The descriptor cannot be watched.</exception>
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
#pragma warning disable CA2000 // The timer must fire; no code needs to cancel it.
        Schedule(delay, elapsed.SetResult);
#pragma warning restore CA2000
        return elapsed.Task;
    }

    /// <summary>Starts, on the loop, work that no code awaits. A failure is reported like that of a callback, and not lost.</summary>
    public void Start(Func<Task> work) => _ = ObserveAsync(work);

    /// <summary>Runs an action after which more code must run. A failure is reported like that of a callback.</summary>
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
    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("the loop does not support Send; use Post");

    /// <inheritdoc/>
    public override SynchronizationContext CreateCopy() => this;

    /// <inheritdoc/>
    public void Dispose()
    {
        epoll.Dispose();
        lock (waking)
            wake.Dispose();
    }

    /// <summary>Changes the interest of a watch: epoll reports again what is already true.</summary>
    internal void Renew(Watch watch, EpollEvents interest) => Libc.epoll_modify(epoll, watch.Descriptor, interest, Data(watch));

    /// <summary>Forgets a watch.</summary>
    internal void Remove(Watch watch)
    {
        watches[watch.Slot] = null;
        freeSlots.Push(watch.Slot);
        Libc.epoll_delete(epoll, watch.Descriptor);
    }

    /// <summary>The value by which <see cref="Dispatch"/> finds a watch, and finds nothing if the watch is gone.</summary>
    private static long Data(Watch watch) => ((long)watch.Generation << 32) | (uint)watch.Slot;

    private void Wake()
    {
        Span<byte> one = stackalloc byte[sizeof(ulong)];
        one.Clear();
        one[0] = 1;

        // A lookup can end after the loop has ended: another descriptor can have the number by then.
        lock (waking)
        {
            if (!wake.IsClosed)
                Libc.write(wake, one);
        }
    }

    private void RunPosted()
    {
        // Only the items that are queued now: items that they post wait until the descriptors have had their turn. If there are many,
        // the rest waits too.
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
