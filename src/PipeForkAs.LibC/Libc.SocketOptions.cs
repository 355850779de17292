using Tmds.Linux;

namespace PipeForkAs.LibC;

/// <summary>The ids that the kernel attests for the process at the other end, at the time of its connection; SO_PEERCRED in unix(7).
/// </summary>
/// <param name="Pid">The process id: for people to read, never for a decision, because another process may have it by now.</param>
/// <param name="Uid">The effective uid of the process.</param>
/// <param name="Gid">The effective gid of the process.</param>
public readonly record struct PeerCredentials(ProcessId Pid, UserId Uid, GroupId Gid);

public static unsafe partial class Libc
{
    /// <summary>getsockopt(2) <c>SO_PEERCRED</c>: the ids of the process that connected, as the kernel attests them.</summary>
    public static PeerCredentials getsockopt_peercred(FileDescriptor socket)
    {
        ucred credentials;
        socklen_t length = sizeof(ucred);
        // SAFETY: the call passes the structure's size to the kernel.
        Check.Result(C.getsockopt(socket.Number, C.SOL_SOCKET, C.SO_PEERCRED, &credentials, &length), $"getsockopt({socket}, SO_PEERCRED)");
        return new PeerCredentials(new ProcessId(credentials.pid), new UserId(credentials.uid), new GroupId(credentials.gid));
    }

    /// <summary>getsockopt(2) <c>SO_PEERPIDFD</c>: a descriptor that refers to the process that connected, even if another process has its
    /// id by now. Null if the kernel cannot return one: before Linux 6.5, and for a process that was reaped.
    /// </summary>
    public static FileDescriptor? getsockopt_peerpidfd(FileDescriptor socket)
    {
        int number;
        socklen_t length = sizeof(int);
        // SAFETY: the kernel writes one int and gets its size.
        int result = C.getsockopt(socket.Number, C.SOL_SOCKET, Own.SO_PEERPIDFD, &number, &length);
        return result == -1 ? null : new FileDescriptor(number);
    }

    /// <summary>getsockopt(2) <c>SO_PEERGROUPS</c>: the supplementary groups of the process that connected.</summary>
    public static GroupId[] getsockopt_peergroups(FileDescriptor socket)
    {
        var groups = new GroupId[32];
        while (true)
        {
            socklen_t length = groups.Length * sizeof(uint);
            int result;
            // SAFETY: GroupId is one uint, and the call passes the array's size in bytes to the kernel.
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

    /// <summary>setsockopt(2) <c>SO_SNDBUFFORCE</c>: sets the send buffer in bytes, beyond the system's limit; needs CAP_NET_ADMIN.
    /// </summary>
    public static IOResult setsockopt_sndbufforce(FileDescriptor socket, int bytes)
    {
        // SAFETY: the kernel reads one int.
        return Check.Count(C.setsockopt(socket.Number, C.SOL_SOCKET, C.SO_SNDBUFFORCE, &bytes, sizeof(int)));
    }

    /// <summary>setsockopt(2) <c>SO_SNDBUF</c>: sets the send buffer in bytes, up to the system's limit (/proc/sys/net/core/wmem_max).
    /// </summary>
    public static void setsockopt_sndbuf(FileDescriptor socket, int bytes)
    {
        // SAFETY: the kernel reads one int.
        Check.Result(
            C.setsockopt(socket.Number, C.SOL_SOCKET, C.SO_SNDBUF, &bytes, sizeof(int)),
            $"setsockopt({socket}, SO_SNDBUF, {bytes})");
    }
}
