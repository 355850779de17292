using Tmds.Linux;

namespace PipeForkAs.LibC;

/// <summary>Calls for sockets with a hostile peer. The kernel closes received descriptors (SCM_RIGHTS) that no code takes. It does so on
/// the thread that receives the message, splices it, or closes the socket with the message unread. The owner of a descriptor controls how
/// long the close takes: the last reference to a TCP socket with unsent data and SO_LINGER blocks for the linger time (inet_release in the
/// kernel's af_inet.c).
/// </summary>
public static unsafe partial class Libc
{
    /// <summary>setsockopt(2) <c>SO_PASSRIGHTS</c> 0: a process that sends descriptors to this socket gets EPERM from now on. Accepted
    /// sockets inherit the option. Returns false if the kernel does not support it (before Linux 6.16).
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
        // SAFETY: the kernel gets the size of one int, and writes it on success.
        return C.getsockopt(socket.Number, C.SOL_SOCKET, Own.SO_PASSRIGHTS, &passes, &length) == 0 && passes == 0;
    }

    /// <summary>Prepares a socket for <see cref="recv_without_descriptors"/>: setsockopt(2) <c>SO_OOBINLINE</c>. Without it, a peek at the
    /// queue does not show a byte sent with MSG_OOB, and the next recv(2) drops it with its descriptors (manage_oob in the kernel's
    /// af_unix.c).
    /// </summary>
    public static void show_out_of_band(FileDescriptor socket)
    {
        int yes = 1;
        // SAFETY: the kernel reads one int.
        Check.Result(C.setsockopt(socket.Number, C.SOL_SOCKET, C.SO_OOBINLINE, &yes, sizeof(int)), $"setsockopt({socket}, SO_OOBINLINE)");
    }

    /// <summary>recv(2) of data that contains no descriptors. EPROTO if the next bytes carry some: they stay in the queue, and nothing is
    /// dropped. For nonblocking sockets that only this process reads.
    /// </summary>
    public static IOResult recv_without_descriptors(FileDescriptor socket, Span<byte> buffer)
    {
        IOResult seen = Peek(socket, buffer, out bool carries);
        if (carries)
            return new IOResult(-Errno.EPROTO.Value);

        // The received bytes are those of the peek: on a stream, the kernel does not join a message with descriptors to earlier or later
        // bytes.
        return seen.Count > 0 ? recv(socket, buffer[..(int)seen.Count]) : seen;
    }

    /// <summary>splice(2) of data that contains no descriptors, as <see cref="recv_without_descriptors"/>.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="to">A pipe.</param>
    /// <param name="room">A buffer for the peek; at most this many bytes are moved.</param>
    public static IOResult splice_without_descriptors(FileDescriptor socket, FileDescriptor to, Span<byte> room)
    {
        IOResult seen = Peek(socket, room, out bool carries);
        if (carries)
            return new IOResult(-Errno.EPROTO.Value);
        return seen.Count > 0 ? splice(socket, to, (int)seen.Count) : seen;
    }

    /// <summary>Whether a socket that was shut down for reading still contains unread data, even a message of no bytes. A socket that
    /// preserves message boundaries gets SO_PASSCRED for this: each message then has control data. This call has no room for the control
    /// data, and the kernel reports that (MSG_CTRUNC); the end of the file has none.
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

        // The kernel reports a reset connection once, before the data in the queue.
        if (seen.PeerGone)
            seen = Peek(socket, one, out hasControl);
        return seen.Count > 0 || hasControl || (seen.Failed && !seen.WouldBlock);
    }

    /// <summary>recvmsg(2) with <c>MSG_PEEK | MSG_DONTWAIT</c> and no room for control data. The kernel copies descriptors and drops the
    /// copies, which are never the last reference.
    /// </summary>
    private static IOResult Peek(FileDescriptor socket, Span<byte> buffer, out bool hasControl)
    {
        IOResult result;
        msghdr message;
        // SAFETY: the buffer is pinned for the call, and the call passes its length to the kernel; there is no other pointer.
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
