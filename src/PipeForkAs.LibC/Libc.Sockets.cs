using System.Text;
using Tmds.Linux;

namespace PipeForkAs.LibC;

/// <summary>Socket types; socket(2).</summary>
public enum SocketType
{
    /// <summary>A stream of bytes.</summary>
    SOCK_STREAM = 1,

    /// <summary>Messages without a connection.</summary>
    SOCK_DGRAM = 2,

    /// <summary>Messages with preserved boundaries, over a connection.</summary>
    SOCK_SEQPACKET = 5,
}

public static unsafe partial class Libc
{
    /// <summary>The longest path of a Unix socket in bytes; unix(7).</summary>
    public const int MaxSocketPath = 107;

    /// <summary>socket(2) <c>AF_UNIX</c>, close-on-exec.</summary>
    public static FileDescriptor socket_unix(SocketType type, bool blocking) =>
        new(Check.Result(C.socket(C.AF_UNIX, (int)type | C.SOCK_CLOEXEC | (blocking ? 0 : C.SOCK_NONBLOCK), 0),
            $"socket(AF_UNIX, {type})"));

    /// <summary>socketpair(2) <c>AF_UNIX, SOCK_SEQPACKET</c>, close-on-exec; both ends block.</summary>
    public static (FileDescriptor One, FileDescriptor Other) socketpair_seqpacket()
    {
        int* ends = stackalloc int[2];
        // SAFETY: the kernel writes two ints, and the array has room for them.
        Check.Result(
            C.socketpair(C.AF_UNIX, (int)SocketType.SOCK_SEQPACKET | C.SOCK_CLOEXEC, 0, ends),
            $"socketpair(AF_UNIX, SOCK_SEQPACKET)");
        return (new FileDescriptor(ends[0]), new FileDescriptor(ends[1]));
    }

    /// <summary>socketpair(2) <c>AF_UNIX, SOCK_STREAM</c>, close-on-exec; both ends block.</summary>
    public static (FileDescriptor One, FileDescriptor Other) socketpair_stream()
    {
        int* ends = stackalloc int[2];
        // SAFETY: the kernel writes two ints, and the array has room for them.
        Check.Result(C.socketpair(C.AF_UNIX, (int)SocketType.SOCK_STREAM | C.SOCK_CLOEXEC, 0, ends), $"socketpair(AF_UNIX, SOCK_STREAM)");
        return (new FileDescriptor(ends[0]), new FileDescriptor(ends[1]));
    }

    /// <summary>bind(2) to a path, or to an abstract name if the path begins with '@'; unix(7).</summary>
    public static void bind(FileDescriptor socket, string path)
    {
        sockaddr_un address = Address(path, out uint length);
        // SAFETY: sockaddr_un has the kernel's layout (a test checks this against the C compiler), and length is at most its size.
        Check.Result(C.bind(socket.Number, (sockaddr*)&address, length), $"bind({socket}, \"{path}\")");
    }

    /// <summary>connect(2) to a path, or to an abstract name if the path begins with '@'; unix(7). Repeated after a signal: unlike a TCP
    /// socket, a Unix socket is then not connecting.
    /// </summary>
    public static IOResult connect(FileDescriptor socket, string path)
    {
        sockaddr_un address = Address(path, out uint length);
        IOResult result;
        // SAFETY: sockaddr_un has the kernel's layout (a test checks this against the C compiler), and length is at most its size.
        do
            result = Check.Count(C.connect(socket.Number, (sockaddr*)&address, length));
        while (result.Errno == Errno.EINTR);
        return result;
    }

    /// <summary>listen(2).</summary>
    public static void listen(FileDescriptor socket, int backlog) =>
        Check.Result(C.listen(socket.Number, backlog), $"listen({socket}, {backlog})");

    /// <summary>accept4(2) with <c>SOCK_CLOEXEC | SOCK_NONBLOCK</c>. Null, and the error, if there is no connection to accept.</summary>
    public static FileDescriptor? accept4(FileDescriptor socket, out Errno error)
    {
        IOResult result;
        // SAFETY: the kernel writes no address if there is no room for one.
        do
            result = Check.Count(C.accept4(socket.Number, null, null, C.SOCK_CLOEXEC | C.SOCK_NONBLOCK));
        while (result.Errno == Errno.EINTR);
        error = result.Errno;
        return result.Failed ? null : new FileDescriptor((int)result.Count);
    }

    /// <summary>shutdown(2). It is not an error if the peer is already gone (ENOTCONN).</summary>
    public static void shutdown(FileDescriptor socket, SocketShutdown how)
    {
        int result = C.shutdown(socket.Number, (int)how);
        if (result == -1 && Check.LastErrno == Errno.ENOTCONN)
            return;
        Check.Result(result, $"shutdown({socket}, {how})");
    }

    /// <summary>recv(2) without control data: the kernel closes descriptors in the message.</summary>
    public static IOResult recv(FileDescriptor socket, Span<byte> buffer)
    {
        // SAFETY: the buffer is pinned for the call, and the call passes its length to the kernel.
        fixed (byte* start = buffer)
        {
            IOResult result;
            do
                result = Check.Count(C.recv(socket.Number, start, buffer.Length, 0));
            while (result.Errno == Errno.EINTR);
            return result;
        }
    }

    /// <summary>recv(2) with <c>MSG_DONTWAIT</c> and without control data: EAGAIN if there is nothing yet, even on a blocking socket.
    /// </summary>
    public static IOResult recv_nowait(FileDescriptor socket, Span<byte> buffer)
    {
        // SAFETY: the buffer is pinned for the call, and the call passes its length to the kernel.
        fixed (byte* start = buffer)
        {
            IOResult result;
            do
                result = Check.Count(C.recv(socket.Number, start, buffer.Length, C.MSG_DONTWAIT));
            while (result.Errno == Errno.EINTR);
            return result;
        }
    }

    /// <summary>recv(2) with <c>MSG_PEEK | MSG_TRUNC</c>: waits for the next message and returns its size; 0 if the peer has closed the
    /// connection.
    /// </summary>
    public static IOResult next_message_size(FileDescriptor socket)
    {
        byte unused;
        IOResult result;
        // SAFETY: the kernel gets the size 0.
        do
            result = Check.Count(C.recv(socket.Number, &unused, 0, C.MSG_PEEK | C.MSG_TRUNC));
        while (result.Errno == Errno.EINTR);
        return result;
    }

    /// <summary>send(2) with <c>MSG_NOSIGNAL</c>.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="data">The data; a stream may take only a part.</param>
    /// <param name="more">Whether more data follows at once: <c>MSG_MORE</c>.</param>
    public static IOResult send(FileDescriptor socket, ReadOnlySpan<byte> data, bool more = false) =>
        Send(socket, data, more ? C.MSG_MORE : 0);

    /// <summary>send(2) with <c>MSG_NOSIGNAL | MSG_DONTWAIT</c>: EAGAIN if there is no room, even on a blocking socket.</summary>
    public static IOResult send_nowait(FileDescriptor socket, ReadOnlySpan<byte> data) => Send(socket, data, C.MSG_DONTWAIT);

    /// <summary>write(2) to a socket, with <c>MSG_DONTWAIT</c>: EAGAIN if there is no room, even on a blocking socket. SIGPIPE if nothing
    /// reads any more, unless the signal is ignored.
    /// </summary>
    public static IOResult write_nowait(FileDescriptor socket, ReadOnlySpan<byte> data) => SendWith(socket, data, C.MSG_DONTWAIT);

    private static IOResult Send(FileDescriptor socket, ReadOnlySpan<byte> data, int flags) =>
        SendWith(socket, data, C.MSG_NOSIGNAL | flags);

    private static IOResult SendWith(FileDescriptor socket, ReadOnlySpan<byte> data, int flags)
    {
        // SAFETY: the buffer is pinned for the call, and the call passes its length to the kernel.
        fixed (byte* start = data)
        {
            IOResult result;
            do
                result = Check.Count(C.send(socket.Number, start, data.Length, flags));
            while (result.Errno == Errno.EINTR);
            return result;
        }
    }

    private static sockaddr_un Address(string path, out uint length)
    {
        sockaddr_un address = default;
        address.sun_family = C.AF_UNIX;
        int count = Encoding.UTF8.GetByteCount(Check.NoNul(path));
        if (count is 0 or > MaxSocketPath)
            throw new ArgumentException($"a socket's path has 1 to {MaxSocketPath} bytes, \"{path}\" has {count}", nameof(path));
        // SAFETY: the code checked the text's length against the room for it.
        Encoding.UTF8.GetBytes(path, new Span<byte>(address.sun_path, MaxSocketPath));
        length = (uint)(sockaddr_un.sun_path_offset + count + 1);
        if (address.sun_path[0] == (byte)'@')
        {
            address.sun_path[0] = 0;
            length--;
        }

        return address;
    }

}

/// <summary>The direction that shutdown(2) closes.</summary>
public enum SocketShutdown
{
    /// <summary>Receiving.</summary>
    SHUT_RD = 0,

    /// <summary>Sending.</summary>
    SHUT_WR = 1,

    /// <summary>Both.</summary>
    SHUT_RDWR = 2,
}
