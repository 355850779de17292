using System.Runtime.InteropServices;
using Tmds.Linux;

namespace PipeForkAs.LibC;

/// <summary>Events of epoll(7).</summary>
[Flags]
public enum EpollEvents : uint
{
    /// <summary>The descriptor is readable.</summary>
    EPOLLIN = 0x001,

    /// <summary>The descriptor is writable.</summary>
    EPOLLOUT = 0x004,

    /// <summary>An error; always reported.</summary>
    EPOLLERR = 0x008,

    /// <summary>Both directions are closed; always reported.</summary>
    EPOLLHUP = 0x010,

    /// <summary>The peer has shut down its writing half.</summary>
    EPOLLRDHUP = 0x2000,

    /// <summary>Report changes, not states.</summary>
    EPOLLET = 1u << 31,
}

/// <summary>struct epoll_event with the layout of x86-64: packed.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public struct EpollEvent : IEquatable<EpollEvent>
{
    /// <summary>The events.</summary>
    public EpollEvents Events { get; set; }

    /// <summary>The value that was passed to epoll_ctl.</summary>
    public long Data { get; set; }

    /// <inheritdoc/>
    public readonly bool Equals(EpollEvent other) => Events == other.Events && Data == other.Data;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is EpollEvent other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => Data.GetHashCode();

    /// <summary>Whether both are equal.</summary>
    public static bool operator ==(EpollEvent left, EpollEvent right) => left.Equals(right);

    /// <summary>Whether they differ.</summary>
    public static bool operator !=(EpollEvent left, EpollEvent right) => !left.Equals(right);
}

/// <summary>Events of poll(2).</summary>
[Flags]
public enum PollEvents : short
{
    /// <summary>The descriptor is readable, or at its end.</summary>
    POLLIN = 0x001,

    /// <summary>The descriptor is writable.</summary>
    POLLOUT = 0x004,

    /// <summary>An error, or a pipe without a reader; always reported.</summary>
    POLLERR = 0x008,

    /// <summary>The peer is gone; always reported.</summary>
    POLLHUP = 0x010,

    /// <summary>The descriptor is not open; always reported.</summary>
    POLLNVAL = 0x020,
}

/// <summary>struct pollfd.</summary>
/// <param name="descriptor">The descriptor to wait for; null for an entry that poll(2) skips.</param>
/// <param name="events">The events to wait for.</param>
[StructLayout(LayoutKind.Sequential)]
public struct PollEntry(FileDescriptor? descriptor, PollEvents events) : IEquatable<PollEntry>
{
    private readonly int number = descriptor?.Number ?? -1;
    private readonly PollEvents events = events;
    private PollEvents returned;

    /// <summary>The events that happened.</summary>
    public readonly PollEvents Returned => returned;

    /// <summary>Whether any event happened.</summary>
    public readonly bool IsReady => returned != 0;

    internal void Clear() => returned = 0;

    /// <inheritdoc/>
    public readonly bool Equals(PollEntry other) => number == other.number && events == other.events && returned == other.returned;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is PollEntry other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => number;

    /// <summary>Whether both are equal.</summary>
    public static bool operator ==(PollEntry left, PollEntry right) => left.Equals(right);

    /// <summary>Whether they differ.</summary>
    public static bool operator !=(PollEntry left, PollEntry right) => !left.Equals(right);
}

public static unsafe partial class Libc
{
    /// <summary>poll(2): waits until an entry is ready or the time is over. A signal handler that runs ends the wait too; no entry is ready
    /// then.
    /// </summary>
    /// <param name="entries">What to wait for; on return, what happened. Without entries, this only waits.</param>
    /// <param name="milliseconds">How long to wait at most, in milliseconds; -1 for ever.</param>
    public static void poll(Span<PollEntry> entries, int milliseconds)
    {
        // SAFETY: the entries are pinned for the call, the call passes their number to the kernel, and PollEntry has the kernel's layout (a
        // test checks this against the C compiler).
        fixed (PollEntry* start = entries)
        {
            IOResult result = Check.Count(Own.poll((pollfd*)start, (nuint)entries.Length, milliseconds));
            if (result.Errno != Errno.EINTR)
            {
                result.OrThrow("poll()");
                return;
            }
        }

        foreach (ref PollEntry entry in entries)
            entry.Clear();
    }

    /// <summary>epoll_create1(2).</summary>
    public static FileDescriptor epoll_create1() => new(Check.Result(C.epoll_create1(C.EPOLL_CLOEXEC), $"epoll_create1(EPOLL_CLOEXEC)"));

    /// <summary>epoll_ctl(2) <c>EPOLL_CTL_ADD</c>.</summary>
    public static void epoll_add(FileDescriptor epoll, FileDescriptor descriptor, EpollEvents events, long data)
    {
        // SAFETY: EpollEvent has the kernel's layout, as the package's structure has (a test checks this against the C compiler).
        var entry = new EpollEvent { Events = events, Data = data };
        Check.Result(
            C.epoll_ctl(epoll.Number, C.EPOLL_CTL_ADD, descriptor.Number, (epoll_event*)&entry),
            $"epoll_ctl({epoll}, EPOLL_CTL_ADD, {descriptor})");
    }

    /// <summary>epoll_ctl(2) <c>EPOLL_CTL_MOD</c>. The kernel reports an existing state once more, also with
    /// <see cref="EpollEvents.EPOLLET"/>.
    /// </summary>
    public static void epoll_modify(FileDescriptor epoll, FileDescriptor descriptor, EpollEvents events, long data)
    {
        // SAFETY: EpollEvent has the kernel's layout, as the package's structure has (a test checks this against the C compiler).
        var entry = new EpollEvent { Events = events, Data = data };
        Check.Result(
            C.epoll_ctl(epoll.Number, C.EPOLL_CTL_MOD, descriptor.Number, (epoll_event*)&entry),
            $"epoll_ctl({epoll}, EPOLL_CTL_MOD, {descriptor})");
    }

    /// <summary>epoll_ctl(2) <c>EPOLL_CTL_DEL</c>.</summary>
    public static void epoll_delete(FileDescriptor epoll, FileDescriptor descriptor)
    {
        epoll_event unused;
        // SAFETY: the kernel does not read the entry; before Linux 2.6.9 it required an address; epoll_ctl(2), BUGS.
        Check.Result(
            C.epoll_ctl(epoll.Number, C.EPOLL_CTL_DEL, descriptor.Number, &unused),
            $"epoll_ctl({epoll}, EPOLL_CTL_DEL, {descriptor})");
    }

    /// <summary>epoll_wait(2). Returns the number of events; 0 also after a signal.</summary>
    /// <param name="epoll">The descriptor from epoll_create1.</param>
    /// <param name="events">Receives the events.</param>
    /// <param name="milliseconds">How long to wait at most, in milliseconds; -1 for no limit.</param>
    public static int epoll_wait(FileDescriptor epoll, Span<EpollEvent> events, int milliseconds)
    {
        // SAFETY: the buffer is pinned for the call, the call passes its length to the kernel, and EpollEvent has the kernel's layout.
        fixed (EpollEvent* start = events)
        {
            int count = C.epoll_wait(epoll.Number, (epoll_event*)start, events.Length, milliseconds);
            if (count == -1 && Check.LastErrno == Errno.EINTR)
                return 0;
            return Check.Result(count, $"epoll_wait({epoll})");
        }
    }

    /// <summary>poll(2) for reading: whether the descriptor becomes readable, or its peer closes it, before the time is over.</summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="milliseconds">How long to wait at most, in milliseconds; -1 for no limit.</param>
    /// <param name="goOnAfterSignals">Whether to continue to wait after a signal handler has run. If not, a signal ends the wait as a
    /// timeout does, and this reads no clock.</param>
    public static bool poll_readable(FileDescriptor descriptor, int milliseconds, bool goOnAfterSignals = true)
    {
        var entry = new pollfd { fd = descriptor.Number, events = C.POLLIN };

        // SAFETY: one entry of the kernel's layout, on this stack.
        if (goOnAfterSignals)
            Poll(&entry, 1, milliseconds);
        else if (Check.Count(Own.poll(&entry, 1, milliseconds)) is { Failed: true } result && result.Errno != Errno.EINTR)
            result.OrThrow("poll()");
        return entry.revents != 0;
    }

    /// <summary>
    /// poll(2) for reading of two descriptors: which of them become readable, or are closed by their peer, before the time is over.
    /// </summary>
    /// <param name="first">One descriptor.</param>
    /// <param name="second">The other descriptor. If a descriptor appears twice, poll(2) may find one entry ready and the other not: it
    /// checks one after the other.</param>
    /// <param name="milliseconds">How long to wait at most, in milliseconds; -1 for no limit.</param>
    /// <exception cref="ArgumentException">Both are the same descriptor.</exception>
    public static (bool First, bool Second) poll_readable(FileDescriptor first, FileDescriptor second, int milliseconds)
    {
        if (first.Number == second.Number)
            throw new ArgumentException("the same descriptor twice", nameof(second));
        // SAFETY: two entries of the kernel's layout, on this stack.
        pollfd* entries = stackalloc pollfd[2];
        entries[0] = new() { fd = first.Number, events = C.POLLIN };
        entries[1] = new() { fd = second.Number, events = C.POLLIN };
        Poll(entries, 2, milliseconds);
        return (entries[0].revents != 0, entries[1].revents != 0);
    }

    /// <summary>poll(2): waits until the descriptor is ready or fails, or until one of the wakers is readable. For reading, there is no
    /// time limit. Returns nothing: the caller tries its call again.
    /// </summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="toWrite">Whether to wait until the descriptor is writable; otherwise, until it is readable.</param>
    /// <param name="waker">Ends the wait as soon as it is readable.</param>
    /// <param name="otherWaker">A second waker; null for none.</param>
    public static void poll_until_woken(FileDescriptor descriptor, bool toWrite, FileDescriptor waker, FileDescriptor? otherWaker)
    {
        // SAFETY: three entries of the kernel's layout, on this stack. poll(2) skips entries with negative descriptors.
        pollfd* entries = stackalloc pollfd[3];
        entries[0] = new() { fd = descriptor.Number, events = toWrite ? C.POLLOUT : C.POLLIN };
        entries[1] = new() { fd = waker.Number, events = C.POLLIN };
        entries[2] = new() { fd = otherWaker?.Number ?? -1, events = C.POLLIN };

        // The daemon assumes that a job in an endless poll waits for input. 24 days are long enough for a job that writes.
        Poll(entries, 3, toWrite ? int.MaxValue : -1);
    }

    /// <summary>Continues poll(2) with the rest of the time after a signal, which must not look like a timeout.</summary>
    private static void Poll(pollfd* entries, nuint count, int milliseconds)
    {
        long deadline = Environment.TickCount64 + milliseconds;
        int left = milliseconds;
        IOResult result;

        // SAFETY: the caller's entries, of the kernel's layout.
        while ((result = Check.Count(Own.poll(entries, count, left))).Errno == Errno.EINTR)
            left = milliseconds < 0 ? milliseconds : (int)Math.Max(0, deadline - Environment.TickCount64);
        result.OrThrow("poll()");
    }

    /// <summary>poll(2) without waiting: whether both directions of a socket are closed (<c>POLLHUP</c>), for example because the peer is
    /// gone.
    /// </summary>
    public static bool is_hung_up(FileDescriptor descriptor)
    {
        var entry = new pollfd { fd = descriptor.Number };
        IOResult result;

        // SAFETY: one entry of the kernel's layout.
        while ((result = Check.Count(Own.poll(&entry, 1, 0))).Errno == Errno.EINTR)
        {
        }

        result.OrThrow("poll()");
        return (entry.revents & C.POLLHUP) != 0;
    }

    /// <summary>poll(2) for writing: whether a small write would not block. Also true if the write would fail at once, as on a pipe without
    /// a reader.
    /// </summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="milliseconds">How long to wait at most, in milliseconds; a signal restarts the wait.</param>
    public static bool is_writable(FileDescriptor descriptor, int milliseconds = 0)
    {
        var entry = new pollfd { fd = descriptor.Number, events = C.POLLOUT };
        IOResult result;

        // SAFETY: one entry of the kernel's layout.
        while ((result = Check.Count(Own.poll(&entry, 1, milliseconds))).Errno == Errno.EINTR)
        {
        }

        result.OrThrow("poll()");
        return entry.revents != 0;
    }

    /// <summary>eventfd(2), nonblocking, starting at 0.</summary>
    public static FileDescriptor eventfd() =>
        new(Check.Result(C.eventfd(0, C.EFD_CLOEXEC | C.EFD_NONBLOCK), $"eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)"));
}
