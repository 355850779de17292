using System.Diagnostics;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Untrusted;

/// <summary>
/// The daemon's end of a socket whose other end is a client's or a job's. It does not block, and is used by its owner alone. Descriptors
/// that the other end sends do not make receiving or closing take long. Calls that the other end makes take long all the same are counted
/// against its
/// <see cref="Peer"/> (<see cref="Offenders"/>); while that is banned, every call fails with ECONNRESET and is not made.
/// </summary>
internal sealed class UntrustedSocket : IDisposable
{
    /// <summary>How many bytes <see cref="SpliceTo"/> moves at most: what a pipe holds.</summary>
    public const int MostAtOnce = 65_536;

    /// <summary>How many receive calls <see cref="Drain"/> makes at most.</summary>
    private const int MostDrained = 256;

    private static readonly long NotableTicks = (long)(Offenders.Notable.TotalSeconds * Stopwatch.Frequency);

    private readonly DescriptorCheck check;
    private readonly bool isLookedAt, isStream;
    private bool isMeasured, isAtEnd;
    private long lastCall;

    /// <summary>Takes over a socket.</summary>
    /// <param name="check">Keeps descriptors out.</param>
    /// <param name="socket">The socket, from here on not the caller's.</param>
    /// <param name="kind">What can come from it.</param>
    /// <param name="isLookedAt">
    /// Whether it is looked at before anything is received; otherwise the kernel refuses descriptors that are sent to it.
    /// </param>
    public UntrustedSocket(DescriptorCheck check, FileDescriptor socket, InputKind kind, bool isLookedAt)
    {
        this.check = check;
        this.isLookedAt = isLookedAt;
        isStream = kind == InputKind.Stream;
        isAtEnd = kind == InputKind.None;
        Descriptor = socket;
    }

    /// <summary>The socket, for watching and for asking who is at the other end.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>
    /// Whose the other end is: a caller's, or a job's user's; null before that is known, while the other end is the daemon's own program.
    /// </summary>
    public Bucket? Peer { get; set; }

    /// <summary>Whether it was closed.</summary>
    public bool IsClosed => Descriptor.IsClosed;

    private bool IsBanned => Peer is { } peer && check.Offenders.IsBanned(peer);

    /// <summary>
    /// recv(2) of what the other end sent in one call, or of a part of it, at most <see cref="OneMessage.MostBytes"/>. EPROTO where the
    /// next bytes carry descriptors: then nothing more can be received.
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
    /// splice(2) into a pipe, at most <see cref="MostAtOnce"/> bytes. EPROTO as in <see cref="Receive"/>. After a pause it moves what was
    /// sent in one call alone: what the other end did meanwhile shows in how long that takes.
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

    /// <summary>splice(2) out of a pipe of the daemon's own.</summary>
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
    /// Reads what is unread, where that is bytes alone: a Unix socket that is closed with unread data resets its peer (unix_release_sock
    /// in the kernel's af_unix.c), and the peer's reader might take that for a failure. A <see cref="SocketReleaser"/> does the same for
    /// other sockets.
    /// </summary>
    /// <param name="room">Where it is read to.</param>
    public void Drain(Span<byte> room)
    {
        for (int i = 0; !isLookedAt && i < MostDrained && Receive(room).Count > 0; i++)
        {
        }
    }

    /// <summary>
    /// Closes it, once. What is unread and the socket of a banned peer are left to another process: descriptors in it are closed there,
    /// and each message that is dropped wakes the other end.
    /// </summary>
    public void Dispose()
    {
        if (Descriptor.IsClosed)
            return;

        // Nothing can join the queue behind this, so that an empty one stays empty.
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
    /// Counts a call that took long. The first one that does has its socket measured: what a call takes may be time in which the thread
    /// waited for a processor, and how long it ran costs a system call. Of the first one it is known that it ran no longer than the
    /// loop's thread in this turn.
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

    /// <summary>A system call that is being made.</summary>
    /// <param name="Begun">The time stamp of its beginning.</param>
    /// <param name="OnProcessor">The thread's processor time at its beginning; null where the socket is not measured.</param>
    private readonly record struct Call(long Begun, TimeSpan? OnProcessor);
}
