using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Untrusted;

/// <summary>
/// The daemon's end of a socket whose other end is a client's or a job's. Nothing that the other end sends, descriptors included, makes receiving or
/// closing take long. It does not block, and is read by its owner alone.
/// </summary>
internal sealed class UntrustedSocket : IDisposable
{
    /// <summary>How many bytes <see cref="SpliceTo"/> moves at most: what a pipe holds.</summary>
    public const int MostAtOnce = 65_536;

    private readonly SocketReleaser? releaser;
    private readonly byte[] room;

    /// <summary>A socket for which the kernel refuses descriptors.</summary>
    public UntrustedSocket(FileDescriptor socket)
        : this(socket, null, [])
    {
    }

    /// <summary>A socket that is looked at before anything is received.</summary>
    /// <param name="socket">The socket, from here on not the caller's.</param>
    /// <param name="releaser">Closes it where it may hold descriptors; null where the kernel refuses them.</param>
    /// <param name="room">Where bytes that are spliced are looked at.</param>
    public UntrustedSocket(FileDescriptor socket, SocketReleaser? releaser, byte[] room)
    {
        Descriptor = socket;
        this.releaser = releaser;
        this.room = room;
    }

    /// <summary>The socket, for sending, watching and asking who is at the other end.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>Whether it was closed.</summary>
    public bool IsClosed => Descriptor.IsClosed;

    /// <summary>Whether the kernel refuses descriptors: what is unread holds bytes alone.</summary>
    public bool HoldsBytesAlone => releaser is null;

    /// <summary>recv(2). EPROTO where the next bytes carry descriptors: then nothing more can be received.</summary>
    public IOResult Receive(Span<byte> buffer) => releaser is null ? Libc.recv(Descriptor, buffer) : Libc.recv_without_descriptors(Descriptor, buffer);

    /// <summary>splice(2) into a pipe, at most <see cref="MostAtOnce"/> bytes. EPROTO as in <see cref="Receive"/>.</summary>
    public IOResult SpliceTo(FileDescriptor pipe) =>
        releaser is null ? Libc.splice(Descriptor, pipe, MostAtOnce) : Libc.splice_without_descriptors(Descriptor, pipe, room);

    /// <summary>Closes it, once. What it may hold of descriptors is closed elsewhere.</summary>
    public void Dispose()
    {
        if (Descriptor.IsClosed)
            return;
        if (releaser is null)
        {
            Descriptor.Dispose();
            return;
        }

        // Nothing can join the queue behind this, so that an empty one stays empty.
        Libc.shutdown(Descriptor, SocketShutdown.SHUT_RDWR);
        if (Libc.holds_unread(Descriptor))
            releaser.Release(Descriptor);
        else
            Descriptor.Dispose();
    }
}
