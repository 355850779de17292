using System.Runtime.InteropServices;
using System.Text;

namespace PipeForkAs.LibC;

/// <summary>Families of addresses; socket(2).</summary>
public enum SocketDomain
{
    /// <summary>Between processes of this machine; unix(7).</summary>
    AF_UNIX = 1,
}

/// <summary>For sockets that another process made and handed over: what they are.</summary>
public static unsafe partial class Libc
{
    /// <summary>getsockopt(2) <c>SO_DOMAIN</c>: the socket's family of addresses.</summary>
    public static SocketDomain getsockopt_domain(FileDescriptor socket) => (SocketDomain)IntegerOption(socket, SO_DOMAIN, nameof(SO_DOMAIN));

    /// <summary>getsockopt(2) <c>SO_TYPE</c>.</summary>
    public static SocketType getsockopt_type(FileDescriptor socket) => (SocketType)IntegerOption(socket, SO_TYPE, nameof(SO_TYPE));

    /// <summary>getsockopt(2) <c>SO_ACCEPTCONN</c>: whether the socket listens.</summary>
    public static bool getsockopt_acceptconn(FileDescriptor socket) => IntegerOption(socket, SO_ACCEPTCONN, nameof(SO_ACCEPTCONN)) != 0;

    /// <summary>getsockname(2) of a Unix socket: its path, its abstract name behind '@', or null where it has none.</summary>
    public static string? getsockname_unix(FileDescriptor socket)
    {
        sockaddr_un address = default;
        uint length = (uint)sizeof(sockaddr_un);
        // SAFETY: the kernel is told the structure's size, and writes no more than that whatever length it gives back.
        Check.Result(sys_getsockname(socket.Number, &address, &length), $"getsockname({socket})");
        int count = (int)Math.Min(length, (uint)sizeof(sockaddr_un)) - sizeof(ushort);
        if (address.family != AF_UNIX || count <= 0)
            return null;

        // SAFETY: count is at most the size of the path.
        var name = new ReadOnlySpan<byte>(address.path, count);
        return name[0] == 0 ? "@" + Encoding.UTF8.GetString(name[1..]) : Encoding.UTF8.GetString(name.IndexOf((byte)0) is >= 0 and var end ? name[..end] : name);
    }

    /// <summary>fcntl(2) <c>F_SETFD</c> with <c>FD_CLOEXEC</c>.</summary>
    public static void set_cloexec(FileDescriptor descriptor) =>
        Check.Result(sys_fcntl(descriptor.Number, F_SETFD, FD_CLOEXEC), $"fcntl({descriptor}, F_SETFD, FD_CLOEXEC)");

    /// <summary>fcntl(2) <c>F_SETFD</c> without <c>FD_CLOEXEC</c>: the descriptor stays open over exec.</summary>
    public static void clear_cloexec(FileDescriptor descriptor) =>
        Check.Result(sys_fcntl(descriptor.Number, F_SETFD, 0), $"fcntl({descriptor}, F_SETFD, 0)");

    private static int IntegerOption(FileDescriptor socket, int option, string name)
    {
        int value;
        uint length = sizeof(int);
        // SAFETY: the kernel is told that there is room for one int.
        Check.Result(sys_getsockopt(socket.Number, SOL_SOCKET, option, &value, &length), $"getsockopt({socket}, {name})");
        return value;
    }

    internal const int F_SETFD = 2;
    internal const int FD_CLOEXEC = 1;
    internal const int SO_TYPE = 3;
    internal const int SO_ACCEPTCONN = 30;
    internal const int SO_DOMAIN = 39;

    [LibraryImport(Library, EntryPoint = "getsockname", SetLastError = true)]
    private static partial int sys_getsockname(int socket, sockaddr_un* address, uint* length);
}
