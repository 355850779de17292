using Tmds.Linux;

namespace PipeForkAs.LibC;

/// <summary>What the kernel attests of the process at the other end, as it was when it connected; SO_PEERCRED in unix(7).</summary>
/// <param name="Pid">Its process id: for people to read, never to decide by, since it may be taken by another process by now.</param>
/// <param name="Uid">Its effective uid.</param>
/// <param name="Gid">Its effective gid.</param>
public readonly record struct PeerCredentials(ProcessId Pid, UserId Uid, GroupId Gid);

public static unsafe partial class Libc
{
    /// <summary>getsockopt(2) <c>SO_PEERCRED</c>: who connected, as the kernel attests it.</summary>
    public static PeerCredentials getsockopt_peercred(FileDescriptor socket)
    {
        ucred credentials;
        socklen_t length = sizeof(ucred);
        // SAFETY: the kernel is told the structure's size.
        Check.Result(C.getsockopt(socket.Number, C.SOL_SOCKET, C.SO_PEERCRED, &credentials, &length), $"getsockopt({socket}, SO_PEERCRED)");
        return new PeerCredentials(new ProcessId(credentials.pid), new UserId(credentials.uid), new GroupId(credentials.gid));
    }

    /// <summary>
    /// getsockopt(2) <c>SO_PEERPIDFD</c>: a descriptor that stands for the process that connected, whatever has its number by now. Null
    /// where the kernel has none to give: before Linux 6.5, and for a process that was reaped.
    /// </summary>
    public static FileDescriptor? getsockopt_peerpidfd(FileDescriptor socket)
    {
        int number;
        socklen_t length = sizeof(int);
        // SAFETY: the kernel writes one int and is told its size.
        int result = C.getsockopt(socket.Number, C.SOL_SOCKET, Own.SO_PEERPIDFD, &number, &length);
        return result == -1 ? null : new FileDescriptor(number);
    }

    /// <summary>getsockopt(2) <c>SO_PEERGROUPS</c>: the supplementary groups of who connected.</summary>
    public static GroupId[] getsockopt_peergroups(FileDescriptor socket)
    {
        var groups = new GroupId[32];
        while (true)
        {
            socklen_t length = groups.Length * sizeof(uint);
            int result;
            // SAFETY: GroupId is one uint, and the kernel is told how many bytes there is room for.
            fixed (GroupId* start = groups)
                result = C.getsockopt(socket.Number, C.SOL_SOCKET, C.SO_PEERGROUPS, start, &length);
            if (result == -1 && Check.LastErrno == Errno.ERANGE)
            {
                groups = new GroupId[(uint)length / sizeof(uint)];
                continue;
            }

            Check.Result(result, $"getsockopt({socket}, SO_PEERGROUPS)");
            return groups[..(int)((uint)length / sizeof(uint))];
        }
    }

    /// <summary>setsockopt(2) <c>SO_SNDBUFFORCE</c>: the send buffer in bytes, over the system's limit; needs CAP_NET_ADMIN.</summary>
    public static IOResult setsockopt_sndbufforce(FileDescriptor socket, int bytes)
    {
        // SAFETY: the kernel reads one int.
        return Check.Count(C.setsockopt(socket.Number, C.SOL_SOCKET, C.SO_SNDBUFFORCE, &bytes, sizeof(int)));
    }

    /// <summary>
    /// setsockopt(2) <c>SO_SNDBUF</c>: the send buffer in bytes, or as many as the system's limit allows (/proc/sys/net/core/wmem_max).
    /// </summary>
    public static void setsockopt_sndbuf(FileDescriptor socket, int bytes)
    {
        // SAFETY: the kernel reads one int.
        Check.Result(
            C.setsockopt(socket.Number, C.SOL_SOCKET, C.SO_SNDBUF, &bytes, sizeof(int)),
            $"setsockopt({socket}, SO_SNDBUF, {bytes})");
    }
}
