using System.Diagnostics;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Untrusted;

/// <summary>
/// The daemon's end of a socket whose other end belongs to a client or a job. It does not block, and only its owner uses it. Descriptors
/// that the other end sends do not slow down receiving or closing. If the other end makes calls slow by other means, the time counts
/// against its <see cref="Peer"/> (<see cref="Offenders"/>); while that bucket is banned, every call fails with ECONNRESET without a system
/// call.
/// </summary>
internal sealed class UntrustedSocket : IDisposable
{
    /// <summary>The most bytes that <see cref="SpliceTo"/> moves: the capacity of a pipe.</summary>
    public const int MostAtOnce = 65_536;

    /// <summary>The most receive calls that <see cref="Drain"/> makes.</summary>
    private const int MostDrained = 256;

    private static readonly long NotableTicks = (long)(Offenders.Notable.TotalSeconds * Stopwatch.Frequency);

    private readonly DescriptorCheck check;
    private readonly bool isLookedAt, isStream;
    private bool isMeasured, isAtEnd;
    private long lastCall;

    /// <summary>Takes over a socket.</summary>
    /// <param name="check">Keeps descriptors out.</param>
    /// <param name="socket">The socket; it no longer belongs to the calling method.</param>
    /// <param name="kind">What can come from the socket.</param>
    /// <param name="isLookedAt">
    /// Whether the daemon looks for descriptors before it receives anything; otherwise the kernel refuses descriptors.
    /// </param>
    public UntrustedSocket(DescriptorCheck check, FileDescriptor socket, InputKind kind, bool isLookedAt)
    {
        this.check = check;
        this.isLookedAt = isLookedAt;
        isStream = kind == InputKind.Stream;
        isAtEnd = kind == InputKind.None;
        Descriptor = socket;
    }

    /// <summary>The socket, to watch it and to find out which process is at the other end.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>
    /// The bucket of the other end: that of a caller, or of the user of a job; null until that is known, while the other end is the
    /// daemon's own program.
    /// </summary>
    public Bucket? Peer { get; set; }

    public bool IsClosed => Descriptor.IsClosed;

    private bool IsBanned => Peer is { } peer && check.Offenders.IsBanned(peer);

    /// <summary>
    /// recv(2) of what the other end sent in one call, or of a part of it, at most <see cref="OneMessage.MostBytes"/>. EPROTO if the next
    /// bytes carry descriptors: after that, no call can receive anything.
    /// </summary>
    public IOResult Receive(Span<byte> buffer)
    {
        if (IsBanned)
            return IOResult.Failure(Errno.ECONNRESET);
        Call call = Begin();
        IOResult result = isStream ? check.OneMessage.Receive(Descriptor, buffer, isLookedAt)
            : isLookedAt ? Libc.recv_without_descriptors(Descriptor, buffer) : Libc.recv(Descriptor, buffer);
        return Received(call, result);
    }

    /// <summary>send(2).</summary>
    public IOResult Send(ReadOnlySpan<byte> data)
    {
        if (IsBanned)
            return IOResult.Failure(Errno.ECONNRESET);
        Call call = Begin();
        IOResult result = Libc.send(Descriptor, data);
        End(call);
        return result;
    }

    /// <summary>
    /// splice(2) into a pipe, at most <see cref="MostAtOnce"/> bytes. EPROTO as in <see cref="Receive"/>. After a pause, this moves only
    /// what the other end sent in one call: the duration shows what the other end did meanwhile.
    /// </summary>
    public IOResult SpliceTo(FileDescriptor pipe)
    {
        if (IsBanned)
            return IOResult.Failure(Errno.ECONNRESET);
        bool isFresh = Stopwatch.GetTimestamp() - lastCall < NotableTicks;
        Call call = Begin();
        IOResult result = !isFresh ? check.OneMessage.SpliceTo(pipe, Descriptor, isLookedAt)
            : isLookedAt ? Libc.splice_without_descriptors(Descriptor, pipe, check.Room) : Libc.splice(Descriptor, pipe, MostAtOnce);
        return Received(call, result);
    }

    /// <summary>splice(2) out of a pipe of the daemon.</summary>
    public IOResult SpliceFrom(FileDescriptor pipe, int count)
    {
        if (IsBanned)
            return IOResult.Failure(Errno.ECONNRESET);
        Call call = Begin();
        IOResult result = Libc.splice(pipe, Descriptor, count);
        End(call);
        return result;
    }

    /// <summary>shutdown(2).</summary>
    public void Shutdown(SocketShutdown how)
    {
        if (IsBanned)
            return;
        Call call = Begin();
        Libc.shutdown(Descriptor, how);
        End(call);
    }

    /// <summary>
    /// Reads the unread data, if it is only bytes: a Unix socket that is closed with unread data resets its peer (unix_release_sock in the
    /// kernel's af_unix.c), and the reader at the other end might report that as a failure. A <see cref="SocketReleaser"/> does the same
    /// for other sockets.
    /// </summary>
    /// <param name="room">The buffer for the data, which is cleared afterwards.</param>
    public void Drain(Span<byte> room)
    {
        for (int i = 0; !isLookedAt && i < MostDrained && Receive(room) is { Count: > 0 and var count }; i++)
            room[..(int)count].Clear();
    }

    /// <summary>
    /// Closes the socket, once. Another process closes a socket with unread data and the socket of a banned peer: closing the descriptors
    /// in it happens there, and each dropped message wakes the other end.
    /// </summary>
    public void Dispose()
    {
        if (Descriptor.IsClosed)
            return;

        // No data can be added after this point, so an empty queue stays empty.
        if (!isAtEnd)
            Shutdown(SocketShutdown.SHUT_RDWR);
        if (IsBanned || (!isAtEnd && Libc.holds_unread(Descriptor)))
        {
            check.Releaser.Release(Descriptor, Peer ?? Bucket.Root);
            return;
        }

        Call call = Begin();
        Descriptor.Dispose();
        End(call);
    }

    private IOResult Received(Call call, IOResult result)
    {
        End(call);
        isAtEnd |= !result.Failed && result.Count == 0;
        return result;
    }

    private Call Begin() => new(Stopwatch.GetTimestamp(), isMeasured ? Libc.thread_processor_time() : null);

    /// <summary>
    /// Counts a slow call. After the first slow call of a socket, its later calls are measured: the duration of a call can include time in
    /// which the thread waited for a processor, and to measure how long the thread ran costs a system call. The first slow call ran at most
    /// as long as the loop's thread has run in this turn.
    /// </summary>
    private void End(Call call)
    {
        lastCall = Stopwatch.GetTimestamp();
        long took = lastCall - call.Begun;
        if (took < NotableTicks)
            return;
        isMeasured = true;
        if (Peer is not { } peer)
            return;
        TimeSpan elapsed = Stopwatch.GetElapsedTime(0, took);
        TimeSpan ran = call.OnProcessor is { } before ? Libc.thread_processor_time() - before : check.ProcessorTimeOfTurn;
        check.Offenders.CallTook(peer, ran < elapsed ? ran : elapsed);
    }

    /// <summary>A system call in progress.</summary>
    /// <param name="Begun">The timestamp of its beginning.</param>
    /// <param name="OnProcessor">The thread's processor time at its beginning; null if the socket is not measured.</param>
    private readonly record struct Call(long Begun, TimeSpan? OnProcessor);
}
