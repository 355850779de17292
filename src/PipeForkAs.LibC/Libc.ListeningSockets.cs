using System.Text;
using Tmds.Linux;

namespace PipeForkAs.LibC;

/// <summary>Address families; socket(2).</summary>
public enum SocketDomain
{
    /// <summary>Between processes of this machine; unix(7).</summary>
    AF_UNIX = 1,
}

/// <summary>Calls that inspect a socket that another process created and passed on.</summary>
public static unsafe partial class Libc
{
    /// <summary>getsockopt(2) <c>SO_DOMAIN</c>: the socket's address family.</summary>
    public static SocketDomain getsockopt_domain(FileDescriptor socket) =>
        (SocketDomain)IntegerOption(socket, C.SO_DOMAIN, nameof(C.SO_DOMAIN));

    /// <summary>getsockopt(2) <c>SO_TYPE</c>.</summary>
    public static SocketType getsockopt_type(FileDescriptor socket) => (SocketType)IntegerOption(socket, C.SO_TYPE, nameof(C.SO_TYPE));

    /// <summary>getsockopt(2) <c>SO_ACCEPTCONN</c>: whether the socket listens.</summary>
    public static bool getsockopt_acceptconn(FileDescriptor socket) => IntegerOption(socket, C.SO_ACCEPTCONN, nameof(C.SO_ACCEPTCONN)) != 0;

    /// <summary>getsockname(2) of a Unix socket: its path, '@' and its abstract name, or null if it has none.</summary>
    public static string? getsockname_unix(FileDescriptor socket)
    {
        sockaddr_un address = default;
        socklen_t length = sizeof(sockaddr_un);
        // SAFETY: the call passes the structure's size to the kernel, which writes no more than that, whatever length it returns.
        Check.Result(C.getsockname(socket.Number, (sockaddr*)&address, &length), $"getsockname({socket})");
        int count = (int)Math.Min(length, (uint)sizeof(sockaddr_un)) - sockaddr_un.sun_path_offset;
        if (address.sun_family != C.AF_UNIX || count <= 0)
            return null;

        // SAFETY: count is at most the size of the path.
        var name = new ReadOnlySpan<byte>(address.sun_path, count);
        return name[0] == 0
            ? "@" + Encoding.UTF8.GetString(name[1..])
            : Encoding.UTF8.GetString(name.IndexOf((byte)0) is >= 0 and var end ? name[..end] : name);
    }

    /// <summary>fcntl(2) <c>F_SETFD</c> with <c>FD_CLOEXEC</c>.</summary>
    public static void set_cloexec(FileDescriptor descriptor) =>
        Check.Result(C.fcntl(descriptor.Number, C.F_SETFD, C.FD_CLOEXEC), $"fcntl({descriptor}, F_SETFD, FD_CLOEXEC)");

    /// <summary>fcntl(2) <c>F_SETFD</c> without <c>FD_CLOEXEC</c>: the descriptor stays open across exec.</summary>
    public static void clear_cloexec(FileDescriptor descriptor) =>
        Check.Result(C.fcntl(descriptor.Number, C.F_SETFD, 0), $"fcntl({descriptor}, F_SETFD, 0)");

    private static int IntegerOption(FileDescriptor socket, int option, string name)
    {
        int value;
        socklen_t length = sizeof(int);
        // SAFETY: the kernel gets the size of one int.
        Check.Result(C.getsockopt(socket.Number, C.SOL_SOCKET, option, &value, &length), $"getsockopt({socket}, {name})");
        return value;
    }
}
