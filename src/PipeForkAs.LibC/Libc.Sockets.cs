using System.Runtime.InteropServices;
using System.Text;

namespace PipeForkAs.LibC;

/// <summary>Types of sockets; socket(2).</summary>
public enum SocketType
{
    /// <summary>A stream of bytes.</summary>
    SOCK_STREAM = 1,

    /// <summary>Messages without a connection.</summary>
    SOCK_DGRAM = 2,

    /// <summary>Messages with their limits kept, over a connection.</summary>
    SOCK_SEQPACKET = 5,
}

/// <summary>What the kernel attests of the process at the other end, as it was when it connected; SO_PEERCRED in unix(7).</summary>
/// <param name="Pid">Its process id: for people to read, never to decide by, since it may be taken by another process by now.</param>
/// <param name="Uid">Its effective uid.</param>
/// <param name="Gid">Its effective gid.</param>
public readonly record struct PeerCredentials(ProcessId Pid, UserId Uid, GroupId Gid);

public static unsafe partial class Libc
{
    /// <summary>The longest path of a Unix socket in bytes; unix(7).</summary>
    public const int MaxSocketPath = 107;

    /// <summary>The most descriptors that a message may carry here.</summary>
    public const int MaxMessageDescriptors = 8;

    /// <summary>socket(2) <c>AF_UNIX</c>, close-on-exec.</summary>
    public static FileDescriptor socket_unix(SocketType type, bool blocking) =>
        new(Check.Result(sys_socket(AF_UNIX, (int)type | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK), 0), $"socket(AF_UNIX, {type})"));

    /// <summary>socketpair(2) <c>AF_UNIX, SOCK_SEQPACKET</c>, close-on-exec; both ends block.</summary>
    public static (FileDescriptor One, FileDescriptor Other) socketpair_seqpacket()
    {
        int* ends = stackalloc int[2];
        // SAFETY: the kernel writes two ints, for which there is room.
        Check.Result(sys_socketpair(AF_UNIX, (int)SocketType.SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), $"socketpair(AF_UNIX, SOCK_SEQPACKET)");
        return (new FileDescriptor(ends[0]), new FileDescriptor(ends[1]));
    }

    /// <summary>socketpair(2) <c>AF_UNIX, SOCK_STREAM</c>, close-on-exec; both ends block.</summary>
    public static (FileDescriptor One, FileDescriptor Other) socketpair_stream()
    {
        int* ends = stackalloc int[2];
        // SAFETY: the kernel writes two ints, for which there is room.
        Check.Result(sys_socketpair(AF_UNIX, (int)SocketType.SOCK_STREAM | SOCK_CLOEXEC, 0, ends), $"socketpair(AF_UNIX, SOCK_STREAM)");
        return (new FileDescriptor(ends[0]), new FileDescriptor(ends[1]));
    }

    /// <summary>bind(2) to a path, or to an abstract name where the path begins with '@'; unix(7).</summary>
    public static void bind(FileDescriptor socket, string path)
    {
        sockaddr_un address = Address(path, out uint length);
        // SAFETY: sockaddr_un has the kernel's layout (checked by a test against the C compiler), and length is at most its size.
        Check.Result(sys_bind(socket.Number, &address, length), $"bind({socket}, \"{path}\")");
    }

    /// <summary>
    /// connect(2) to a path, or to an abstract name where the path begins with '@'; unix(7). Repeated when a signal interrupts it,
    /// after which a Unix socket, unlike one of TCP, is not connecting.
    /// </summary>
    public static IOResult connect(FileDescriptor socket, string path)
    {
        sockaddr_un address = Address(path, out uint length);
        IOResult result;
        // SAFETY: sockaddr_un has the kernel's layout (checked by a test against the C compiler), and length is at most its size.
        do
            result = Check.Count(sys_connect(socket.Number, &address, length));
        while (result.Errno == Errno.EINTR);
        return result;
    }

    /// <summary>listen(2).</summary>
    public static void listen(FileDescriptor socket, int backlog) => Check.Result(sys_listen(socket.Number, backlog), $"listen({socket}, {backlog})");

    /// <summary>accept4(2) with <c>SOCK_CLOEXEC | SOCK_NONBLOCK</c>. Null with the error where there is none to accept.</summary>
    public static FileDescriptor? accept4(FileDescriptor socket, out Errno error)
    {
        IOResult result;
        do
            result = Check.Count(sys_accept4(socket.Number, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK));
        while (result.Errno == Errno.EINTR);
        error = result.Errno;
        return result.Failed ? null : new FileDescriptor((int)result.Count);
    }

    /// <summary>shutdown(2). A peer that is gone already (ENOTCONN) is no error.</summary>
    public static void shutdown(FileDescriptor socket, SocketShutdown how)
    {
        int result = sys_shutdown(socket.Number, (int)how);
        if (result == -1 && Check.LastErrno == Errno.ENOTCONN)
            return;
        Check.Result(result, $"shutdown({socket}, {how})");
    }

    /// <summary>recv(2) without control data: the kernel closes descriptors that were sent along.</summary>
    public static IOResult recv(FileDescriptor socket, Span<byte> buffer)
    {
        // SAFETY: the buffer is pinned for the call and its length is what the kernel is told.
        fixed (byte* start = buffer)
        {
            IOResult result;
            do
                result = Check.Count(sys_recv(socket.Number, start, (nuint)buffer.Length, 0));
            while (result.Errno == Errno.EINTR);
            return result;
        }
    }

    /// <summary>recv(2) with <c>MSG_PEEK | MSG_TRUNC</c>: waits for the next message and tells its size; 0 where the peer closed.</summary>
    public static IOResult next_message_size(FileDescriptor socket)
    {
        byte unused;
        IOResult result;
        // SAFETY: the kernel is told that there is room for no byte.
        do
            result = Check.Count(sys_recv(socket.Number, &unused, 0, MSG_PEEK | MSG_TRUNC));
        while (result.Errno == Errno.EINTR);
        return result;
    }

    /// <summary>send(2) with <c>MSG_NOSIGNAL</c>.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="data">What to send; a stream may take less.</param>
    /// <param name="more">Whether more follows at once: <c>MSG_MORE</c>.</param>
    public static IOResult send(FileDescriptor socket, ReadOnlySpan<byte> data, bool more = false)
    {
        // SAFETY: the buffer is pinned for the call and its length is what the kernel is told.
        fixed (byte* start = data)
        {
            IOResult result;
            do
                result = Check.Count(sys_send(socket.Number, start, (nuint)data.Length, MSG_NOSIGNAL | (more ? MSG_MORE : 0)));
            while (result.Errno == Errno.EINTR);
            return result;
        }
    }

    /// <summary>sendmsg(2) of one message with descriptors (SCM_RIGHTS), of which the receiver gets copies.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="data">The message, at least one byte.</param>
    /// <param name="descriptors">At most <see cref="MaxMessageDescriptors"/>.</param>
    /// <param name="mayBeEmpty">Whether descriptors without a byte are a message, as the journal takes them over its datagram socket.</param>
    public static IOResult sendmsg(FileDescriptor socket, ReadOnlySpan<byte> data, ReadOnlySpan<FileDescriptor> descriptors, bool mayBeEmpty = false)
    {
        if (!mayBeEmpty)
            ArgumentOutOfRangeException.ThrowIfZero(data.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(descriptors.Length, MaxMessageDescriptors);
        byte* control = stackalloc byte[ControlSize];
        // SAFETY: control has room for one header and MaxMessageDescriptors ints, is aligned by the stack and zeroed; the data is
        // pinned for the call.
        new Span<byte>(control, ControlSize).Clear();
        fixed (byte* start = data)
        {
            var part = new iovec { start = start, length = (nuint)data.Length };
            var message = new msghdr { parts = &part, partCount = 1 };
            if (descriptors.Length > 0)
            {
                var header = (cmsghdr*)control;
                header->length = (nuint)(sizeof(cmsghdr) + (sizeof(int) * descriptors.Length));
                header->level = SOL_SOCKET;
                header->type = SCM_RIGHTS;
                var numbers = (int*)(control + sizeof(cmsghdr));
                for (int i = 0; i < descriptors.Length; i++)
                    numbers[i] = descriptors[i].Number;
                message.control = control;
                message.controlLength = (nuint)(sizeof(cmsghdr) + (((sizeof(int) * descriptors.Length) + 7) & ~7));
            }

            IOResult result;
            do
                result = Check.Count(sys_sendmsg(socket.Number, &message, MSG_NOSIGNAL));
            while (result.Errno == Errno.EINTR);
            return result;
        }
    }

    /// <summary>
    /// recvmsg(2) of one message with its descriptors, which are close-on-exec. A message that was cut short, carries more
    /// descriptors than there is room for, or descriptors but no byte, is an error (EMSGSIZE), and every descriptor that came is closed.
    /// </summary>
    /// <param name="socket">The socket.</param>
    /// <param name="buffer">Where the message goes.</param>
    /// <param name="descriptors">Where the descriptors go; the caller owns them.</param>
    /// <param name="descriptorCount">How many came.</param>
    /// <param name="mayBeEmpty">Whether descriptors without a byte are a message: for sockets without a connection, which have no end either.</param>
    /// <param name="mayLackDescriptors">
    /// Whether a message is one that lost descriptors, because this process may have no more; it is given with none, the others are closed.
    /// </param>
    public static IOResult recvmsg(
        FileDescriptor socket, Span<byte> buffer, Span<FileDescriptor?> descriptors, out int descriptorCount, bool mayBeEmpty = false, bool mayLackDescriptors = false)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(descriptors.Length, MaxMessageDescriptors);
        descriptorCount = 0;
        byte* control = stackalloc byte[ControlSize];
        // SAFETY: control has room for one header and MaxMessageDescriptors ints and the kernel is told so; the header's length
        // is checked before it is used; the buffer is pinned for the call.
        fixed (byte* start = buffer)
        {
            var part = new iovec { start = start, length = (nuint)buffer.Length };
            msghdr message;
            IOResult result;
            do
            {
                message = new msghdr { parts = &part, partCount = 1, control = control, controlLength = ControlSize };
                result = Check.Count(sys_recvmsg(socket.Number, &message, MSG_CMSG_CLOEXEC));
            }
            while (result.Errno == Errno.EINTR);

            if (result.Failed)
                return result;

            bool whole = (message.flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
            nuint offset = 0;
            while (offset + (nuint)sizeof(cmsghdr) <= message.controlLength)
            {
                var header = (cmsghdr*)(control + offset);
                if (header->length < (nuint)sizeof(cmsghdr) || header->length > message.controlLength - offset)
                    break;
                if (header->level == SOL_SOCKET && header->type == SCM_RIGHTS)
                {
                    var numbers = (int*)((byte*)header + sizeof(cmsghdr));
                    int count = (int)((header->length - (nuint)sizeof(cmsghdr)) / sizeof(int));
                    for (int i = 0; i < count; i++)
                    {
                        if (descriptorCount < descriptors.Length)
                        {
                            descriptors[descriptorCount++] = new FileDescriptor(numbers[i]);
                        }
                        else
                        {
                            close(numbers[i]);
                            whole = false;
                        }
                    }
                }

                offset += (header->length + 7) & ~(nuint)7;
            }

            // No message of a connection is empty here, and 0 bytes are taken for the peer's end: nobody would close what came with them.
            if (whole && (result.Count > 0 || descriptorCount == 0 || mayBeEmpty))
                return result;

            for (int i = 0; i < descriptorCount; i++)
            {
                descriptors[i]!.Dispose();
                descriptors[i] = null;
            }

            descriptorCount = 0;
            bool onlyLacks = mayLackDescriptors && result.Count > 0 && (message.flags & (MSG_TRUNC | MSG_CTRUNC)) == MSG_CTRUNC;
            return onlyLacks ? result : new IOResult(-Errno.EMSGSIZE.Value);
        }
    }

    /// <summary>getsockopt(2) <c>SO_PEERCRED</c>: who connected, as the kernel attests it.</summary>
    public static PeerCredentials getsockopt_peercred(FileDescriptor socket)
    {
        ucred credentials;
        uint length = (uint)sizeof(ucred);
        // SAFETY: the kernel is told the structure's size.
        Check.Result(sys_getsockopt(socket.Number, SOL_SOCKET, SO_PEERCRED, &credentials, &length), $"getsockopt({socket}, SO_PEERCRED)");
        return new PeerCredentials(new ProcessId(credentials.pid), new UserId(credentials.uid), new GroupId(credentials.gid));
    }

    /// <summary>
    /// getsockopt(2) <c>SO_PEERPIDFD</c>: a descriptor that stands for the process that connected, whatever has its number by now. Null where the
    /// kernel has none to give: before Linux 6.5, and for a process that was reaped.
    /// </summary>
    public static FileDescriptor? getsockopt_peerpidfd(FileDescriptor socket)
    {
        int number;
        uint length = sizeof(int);
        // SAFETY: the kernel writes one int and is told its size.
        int result = sys_getsockopt(socket.Number, SOL_SOCKET, SO_PEERPIDFD, &number, &length);
        return result == -1 ? null : new FileDescriptor(number);
    }

    /// <summary>getsockopt(2) <c>SO_PEERGROUPS</c>: the supplementary groups of who connected.</summary>
    public static GroupId[] getsockopt_peergroups(FileDescriptor socket)
    {
        var groups = new GroupId[32];
        while (true)
        {
            uint length = (uint)(groups.Length * sizeof(uint));
            int result;
            // SAFETY: GroupId is one uint, and the kernel is told how many bytes there is room for.
            fixed (GroupId* start = groups)
                result = sys_getsockopt(socket.Number, SOL_SOCKET, SO_PEERGROUPS, start, &length);
            if (result == -1 && Check.LastErrno == Errno.ERANGE)
            {
                groups = new GroupId[length / sizeof(uint)];
                continue;
            }

            Check.Result(result, $"getsockopt({socket}, SO_PEERGROUPS)");
            return groups[..(int)(length / sizeof(uint))];
        }
    }

    /// <summary>setsockopt(2) <c>SO_SNDBUFFORCE</c>: the send buffer in bytes, over the system's limit; needs CAP_NET_ADMIN.</summary>
    public static IOResult setsockopt_sndbufforce(FileDescriptor socket, int bytes)
    {
        // SAFETY: the kernel reads one int.
        return Check.Count(sys_setsockopt(socket.Number, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(int)));
    }

    /// <summary>setsockopt(2) <c>SO_SNDBUF</c>: the send buffer in bytes, or as many as the system's limit allows (/proc/sys/net/core/wmem_max).</summary>
    public static void setsockopt_sndbuf(FileDescriptor socket, int bytes)
    {
        // SAFETY: the kernel reads one int.
        Check.Result(sys_setsockopt(socket.Number, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(int)), $"setsockopt({socket}, SO_SNDBUF, {bytes})");
    }

    private static sockaddr_un Address(string path, out uint length)
    {
        sockaddr_un address = default;
        address.family = AF_UNIX;
        int count = Encoding.UTF8.GetByteCount(Check.NoNul(path));
        if (count is 0 or > MaxSocketPath)
            throw new ArgumentException($"a socket's path has 1 to {MaxSocketPath} bytes, \"{path}\" has {count}", nameof(path));
        // SAFETY: the text's length was checked against the room for it.
        Encoding.UTF8.GetBytes(path, new Span<byte>(address.path, MaxSocketPath));
        length = (uint)(sizeof(ushort) + count + 1);
        if (address.path[0] == (byte)'@')
        {
            address.path[0] = 0;
            length--;
        }

        return address;
    }

    internal const int AF_UNIX = 1;
    internal const int SOCK_CLOEXEC = 0x80000;
    internal const int SOCK_NONBLOCK = 0x800;
    internal const int SOL_SOCKET = 1;
    internal const int SO_SNDBUF = 7;
    internal const int SO_PEERCRED = 17;
    internal const int SO_SNDBUFFORCE = 32;
    internal const int SO_PEERGROUPS = 59;
    internal const int SO_PEERPIDFD = 77;
    internal const int SCM_RIGHTS = 1;
    internal const int MSG_PEEK = 2;
    internal const int MSG_CTRUNC = 8;
    internal const int MSG_TRUNC = 0x20;
    internal const int MSG_NOSIGNAL = 0x4000;
    internal const int MSG_MORE = 0x8000;
    internal const int MSG_CMSG_CLOEXEC = 0x40000000;

    private const int ControlSize = 16 + (sizeof(int) * MaxMessageDescriptors);

    [StructLayout(LayoutKind.Sequential)]
    internal struct sockaddr_un
    {
        public ushort family;
        public fixed byte path[108];
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct ucred
    {
        public int pid;
        public uint uid;
        public uint gid;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct iovec
    {
        public byte* start;
        public nuint length;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct msghdr
    {
        public void* name;
        public uint nameLength;
        public iovec* parts;
        public nuint partCount;
        public byte* control;
        public nuint controlLength;
        public int flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct cmsghdr
    {
        public nuint length;
        public int level;
        public int type;
    }

    [LibraryImport(Library, EntryPoint = "socket", SetLastError = true)]
    private static partial int sys_socket(int domain, int type, int protocol);

    [LibraryImport(Library, EntryPoint = "socketpair", SetLastError = true)]
    private static partial int sys_socketpair(int domain, int type, int protocol, int* ends);

    [LibraryImport(Library, EntryPoint = "bind", SetLastError = true)]
    private static partial int sys_bind(int socket, sockaddr_un* address, uint length);

    [LibraryImport(Library, EntryPoint = "connect", SetLastError = true)]
    private static partial int sys_connect(int socket, sockaddr_un* address, uint length);

    [LibraryImport(Library, EntryPoint = "listen", SetLastError = true)]
    private static partial int sys_listen(int socket, int backlog);

    [LibraryImport(Library, EntryPoint = "accept4", SetLastError = true)]
    private static partial int sys_accept4(int socket, nint address, nint length, int flags);

    [LibraryImport(Library, EntryPoint = "shutdown", SetLastError = true)]
    private static partial int sys_shutdown(int socket, int how);

    [LibraryImport(Library, EntryPoint = "recv", SetLastError = true)]
    private static partial nint sys_recv(int socket, byte* buffer, nuint length, int flags);

    [LibraryImport(Library, EntryPoint = "send", SetLastError = true)]
    private static partial nint sys_send(int socket, byte* buffer, nuint length, int flags);

    [LibraryImport(Library, EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint sys_sendmsg(int socket, msghdr* message, int flags);

    [LibraryImport(Library, EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint sys_recvmsg(int socket, msghdr* message, int flags);

    [LibraryImport(Library, EntryPoint = "getsockopt", SetLastError = true)]
    private static partial int sys_getsockopt(int socket, int level, int option, void* value, uint* length);

    [LibraryImport(Library, EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int sys_setsockopt(int socket, int level, int option, void* value, uint length);
}

/// <summary>What shutdown(2) ends.</summary>
public enum SocketShutdown
{
    /// <summary>Receiving.</summary>
    SHUT_RD = 0,

    /// <summary>Sending.</summary>
    SHUT_WR = 1,

    /// <summary>Both.</summary>
    SHUT_RDWR = 2,
}
