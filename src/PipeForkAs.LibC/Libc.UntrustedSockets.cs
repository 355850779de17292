using Tmds.Linux;

namespace PipeForkAs.LibC;

/// <summary>
/// For sockets whose other end is hostile. Descriptors that were sent along (SCM_RIGHTS) and are only dropped are closed by the kernel on
/// the thread that receives the message, splices it, or closes the socket with the message unread. Their owner decides how long that
/// takes: the last reference to a TCP socket with unsent data and SO_LINGER blocks for as long as that says (inet_release in the kernel's
/// af_inet.c).
/// </summary>
public static unsafe partial class Libc
{
    /// <summary>
    /// setsockopt(2) <c>SO_PASSRIGHTS</c> 0: whoever sends descriptors to this socket gets EPERM from now on. Accepted sockets inherit it.
    /// False where the kernel does not know the option (before Linux 6.16).
    /// </summary>
    public static bool refuse_descriptors(FileDescriptor socket)
    {
        int no = 0;
        // SAFETY: the kernel reads one int.
        IOResult result = Check.Count(C.setsockopt(socket.Number, C.SOL_SOCKET, Own.SO_PASSRIGHTS, &no, sizeof(int)));
        if (result.Errno == Errno.ENOPROTOOPT)
            return false;
        result.OrThrow($"setsockopt({socket}, SO_PASSRIGHTS)");
        return true;
    }

    /// <summary>getsockopt(2) <c>SO_PASSRIGHTS</c>: whether the kernel refuses descriptors that are sent to this socket.</summary>
    public static bool refuses_descriptors(FileDescriptor socket)
    {
        int passes;
        socklen_t length = sizeof(int);
        // SAFETY: the kernel is told that there is room for one int, and writes it where it succeeds.
        return C.getsockopt(socket.Number, C.SOL_SOCKET, Own.SO_PASSRIGHTS, &passes, &length) == 0 && passes == 0;
    }

    /// <summary>
    /// Prepares a socket for <see cref="recv_without_descriptors"/>: setsockopt(2) <c>SO_OOBINLINE</c>. Without it, a byte sent with
    /// MSG_OOB is not shown to a look at the queue, and is dropped, with its descriptors, by the next recv(2) (manage_oob in the kernel's
    /// af_unix.c).
    /// </summary>
    public static void show_out_of_band(FileDescriptor socket)
    {
        int yes = 1;
        // SAFETY: the kernel reads one int.
        Check.Result(C.setsockopt(socket.Number, C.SOL_SOCKET, C.SO_OOBINLINE, &yes, sizeof(int)), $"setsockopt({socket}, SO_OOBINLINE)");
    }

    /// <summary>
    /// recv(2) of what carries no descriptors. EPROTO where the next bytes carry some: they stay in the queue, and nothing is dropped.
    /// For sockets that nobody else reads, and that do not block.
    /// </summary>
    public static IOResult recv_without_descriptors(FileDescriptor socket, Span<byte> buffer)
    {
        IOResult seen = Peek(socket, buffer, out bool carries);
        if (carries)
            return new IOResult(-Errno.EPROTO.Value);

        // What was seen is what is received: on a stream no message with descriptors is joined to bytes behind or before it that were not
        // seen.
        return seen.Count > 0 ? recv(socket, buffer[..(int)seen.Count]) : seen;
    }

    /// <summary>splice(2) of what carries no descriptors, as <see cref="recv_without_descriptors"/>.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="to">A pipe.</param>
    /// <param name="room">Where the bytes are looked at; at most so many are moved.</param>
    public static IOResult splice_without_descriptors(FileDescriptor socket, FileDescriptor to, Span<byte> room)
    {
        IOResult seen = Peek(socket, room, out bool carries);
        if (carries)
            return new IOResult(-Errno.EPROTO.Value);
        return seen.Count > 0 ? splice(socket, to, (int)seen.Count) : seen;
    }

    /// <summary>
    /// Whether a socket that was shut down for reading still holds something unread, be it a message of no bytes. A socket that keeps
    /// messages apart gets SO_PASSCRED for that: each message has control data then, for which this has no room, and the kernel says so
    /// (MSG_CTRUNC); the end of the file has none.
    /// </summary>
    public static bool holds_unread(FileDescriptor socket)
    {
        if (getsockopt_type(socket) != SocketType.SOCK_STREAM)
        {
            int yes = 1;
            // SAFETY: the kernel reads one int.
            Check.Result(C.setsockopt(socket.Number, C.SOL_SOCKET, C.SO_PASSCRED, &yes, sizeof(int)), $"setsockopt({socket}, SO_PASSCRED)");
        }

        Span<byte> one = stackalloc byte[1];
        IOResult seen = Peek(socket, one, out bool hasControl);

        // A connection that was reset says so once, before what is in the queue.
        if (seen.PeerGone)
            seen = Peek(socket, one, out hasControl);
        return seen.Count > 0 || hasControl || (seen.Failed && !seen.WouldBlock);
    }

    /// <summary>
    /// recvmsg(2) with <c>MSG_PEEK | MSG_DONTWAIT</c> and no room for control data. Descriptors are copied and dropped: never the last
    /// reference.
    /// </summary>
    private static IOResult Peek(FileDescriptor socket, Span<byte> buffer, out bool hasControl)
    {
        IOResult result;
        msghdr message;
        // SAFETY: the buffer is pinned for the call and its length is what the kernel is told; there is no other pointer.
        fixed (byte* start = buffer)
        {
            var part = new iovec { iov_base = start, iov_len = buffer.Length };
            do
            {
                message = new msghdr { msg_iov = &part, msg_iovlen = 1 };
                result = Check.Count(C.recvmsg(socket.Number, &message, C.MSG_PEEK | C.MSG_DONTWAIT));
            }
            while (result.Errno == Errno.EINTR);
        }

        hasControl = !result.Failed && (message.msg_flags & C.MSG_CTRUNC) != 0;
        return result;
    }
}
