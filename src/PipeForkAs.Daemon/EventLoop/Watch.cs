using System.Runtime.CompilerServices;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.EventLoop;

/// <summary>
/// A descriptor that the loop watches, edge-triggered. Use: try the call; if it would block, await <see cref="ReadableAsync"/> or
/// <see cref="WritableAsync"/> and try again. One method at a time can wait for each direction.
/// </summary>
internal sealed class Watch : IDisposable
{
    private readonly Loop loop;
    private readonly Action? hungUp;
    private Direction reading, writing;
    private bool disposed;

    internal Watch(Loop loop, FileDescriptor descriptor, EpollEvents interest, int slot, int generation, string name, Action? hungUp)
    {
        this.loop = loop;
        this.hungUp = hungUp;
        Interest = interest;
        Descriptor = descriptor;
        Slot = slot;
        Generation = generation;
        Name = name;
    }

    public string Name { get; }

    public FileDescriptor Descriptor { get; }

    /// <summary>Whether the peer has closed its writing half; once true, it stays true.</summary>
    public bool IsInputEnded { get; private set; }

    /// <summary>Whether both directions are closed.</summary>
    public bool IsHungUp { get; private set; }

    /// <summary>The watched events, in addition to the end of both directions.</summary>
    internal EpollEvents Interest { get; private set; }

    internal int Slot { get; }

    internal int Generation { get; }

    /// <summary>Waits until the descriptor might be readable. The result is false if the watch was disposed.</summary>
    /// <exception cref="InvalidOperationException">Another method waits for that.</exception>
    public Readiness ReadableAsync() => new(this, forReading: true);

    /// <summary>
    /// Waits until the descriptor might be writable. The result is false if the watch was disposed. The first call adds this event to the
    /// watch: a socket reports room whenever its peer has read something, and each report would wake a daemon that has nothing to write.
    /// </summary>
    /// <exception cref="InvalidOperationException">Another method waits for that.</exception>
    /// <exception cref="SystemCallException">The descriptor cannot be watched.</exception>
    public Readiness WritableAsync()
    {
        if (!disposed && (Interest & EpollEvents.EPOLLOUT) == 0)
        {
            loop.Renew(this, Interest | EpollEvents.EPOLLOUT);
            Interest |= EpollEvents.EPOLLOUT;
        }

        return new Readiness(this, forReading: false);
    }

    /// <summary>Ends the watch, and all waits for it.</summary>
    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        loop.Remove(this);
        reading.Signal();
        writing.Signal();
    }

    /// <summary>Acts as if the peer were gone; has no effect the second time, and after <see cref="Dispose"/>.</summary>
    public void HangUp()
    {
        if (IsHungUp || disposed)
            return;
        IsHungUp = true;
        hungUp?.Invoke();
    }

    internal void Happened(EpollEvents events)
    {
        IsInputEnded |= (events & EpollEvents.EPOLLRDHUP) != 0;
        const EpollEvents Closed = EpollEvents.EPOLLHUP | EpollEvents.EPOLLERR;
        if ((events & EpollEvents.EPOLLHUP) != 0)
            HangUp();

        if ((events & (EpollEvents.EPOLLIN | EpollEvents.EPOLLRDHUP | Closed)) != 0)
            reading.Signal();
        if ((events & (EpollEvents.EPOLLOUT | Closed)) != 0)
            writing.Signal();
    }

    private ref Direction Of(bool forReading) => ref forReading ? ref reading : ref writing;

    /// <summary>Keeps an edge that arrives while no method waits, for the next one that does.</summary>
    private struct Direction
    {
        private bool ready;
        private Action? waiting;

        public void Signal()
        {
            Action? resumed = waiting;
            waiting = null;
            ready = resumed is null;
            resumed?.Invoke();
        }

        /// <summary>Also refuses a second waiter: no method could catch an exception from <see cref="Wait"/>.</summary>
        public bool TakeReady()
        {
            if (waiting is not null)
                throw new InvalidOperationException("two methods wait for the same direction of a descriptor");
            bool was = ready;
            ready = false;
            return was;
        }

        public void Wait(Action continuation) => waiting = continuation;
    }

    /// <summary>An await that the loop itself continues, inline, on its own thread.</summary>
    internal readonly struct Readiness(Watch watch, bool forReading) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => watch.disposed || watch.Of(forReading).TakeReady();

        public Readiness GetAwaiter() => this;

        public bool GetResult() => !watch.disposed;

        public void OnCompleted(Action continuation) => watch.Of(forReading).Wait(continuation);

        public void UnsafeOnCompleted(Action continuation) => watch.Of(forReading).Wait(continuation);
    }
}
