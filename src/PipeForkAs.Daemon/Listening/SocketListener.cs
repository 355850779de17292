using PipeForkAs.Daemon.Files;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Listening;

/// <summary>The Unix socket on which the daemon listens.</summary>
internal sealed class SocketListener : IDisposable
{
    private const int Backlog = 4096;
    private readonly string path;
    private FileStatus? identity;
    private readonly DescriptorCheck descriptors;

    private SocketListener(FileDescriptor socket, string path, FileStatus? identity, DescriptorCheck descriptors)
    {
        this.descriptors = descriptors;
        descriptors.Guard(socket);
        Socket = socket;
        this.path = path;
        this.identity = identity;
    }

    public FileDescriptor Socket { get; }

    /// <summary>The path of the socket.</summary>
    public string Path => path;

    /// <summary>
    /// Whether another process made the socket and its file. Then the listener does not remove the file, and new connections wait for the
    /// next daemon.
    /// </summary>
    public bool IsHanded => identity is null;

    /// <summary>Adopts a listening socket that another process passed.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="descriptors">Refuses descriptors that callers send.</param>
    /// <exception cref="SystemCallException">The descriptor is not a socket.</exception>
    /// <param name="device">The device of the socket file if the former daemon made it; null if systemd made it.</param>
    /// <param name="inode">The inode of the socket file if the former daemon made it; null if systemd made it.</param>
    public static SocketListener Adopt(FileDescriptor socket, DescriptorCheck descriptors, ulong? device = null, ulong? inode = null)
    {
        string path = Libc.getsockname_unix(socket) ?? "a socket without a name";
        FileStatus? made = device is not null && Libc.lstat(path) is { } file && file.Device == device && file.Inode == inode ? file : null;
        return new SocketListener(socket, path, made, descriptors);
    }

    /// <summary>
    /// Returns why users other than root can make or replace a socket at a path, which callers would mistake for the daemon's socket. Null
    /// if they cannot, and for an abstract name, which has no folder.
    /// </summary>
    public static string? FolderProblem(string path) =>
        path.StartsWith('/') ? TrustedFile.ClosedFolderProblem(System.IO.Path.GetDirectoryName(path) ?? "/") : null;

    /// <summary>Returns why the daemon cannot make a socket at a path; null if only another daemon could prevent it.</summary>
    public static string? PathProblem(string path) =>
        FolderProblem(path) is { } problem ? $"cannot listen on {path}; its folder: {problem}" : null;

    /// <summary>Listens at a path. Replaces the socket file of a dead daemon, but not of a running daemon, and no other file.</summary>
    /// <param name="path">The path of the socket.</param>
    /// <param name="mode">The permissions of the socket file, which define who may connect.</param>
    /// <param name="descriptors">Refuses descriptors that callers send.</param>
    /// <exception cref="ListenException">The daemon cannot listen at the path; the message says why.</exception>
    public static SocketListener Open(string path, uint mode, DescriptorCheck descriptors)
    {
        if (PathProblem(path) is { } problem)
            throw Refuse(problem);
        RemoveStale(path);
        FileDescriptor socket = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: false);
        try
        {
            // bind(2) makes the file with the permissions 0777 without the bits of the umask. A chmod after it would affect whatever file
            // is at the path by then.
            uint umask = Libc.umask(0x1FF & ~mode);
            try
            {
                Libc.bind(socket, path);
            }
            finally
            {
                Libc.umask(umask);
            }

            Libc.listen(socket, Backlog);
            FileStatus made = Libc.lstat(path) ?? throw Refuse($"the socket {path} vanished while it was created");
            if (made.Permissions != mode)
            {
                throw Refuse(
                    $"the permissions of the socket {path} differ from Socket:Mode because its folder has a default ACL; "
                    + "remove the ACL (setfacl -k)");
            }

            return new SocketListener(socket, path, made, descriptors);
        }
        catch (SystemCallException failure)
        {
            socket.Dispose();
            throw Refuse($"cannot listen on {path}: {failure.Message}", failure);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The socket file if this listener made it and will remove it; otherwise null.</summary>
    public FileStatus? MadeFile => identity;

    /// <summary>Leaves the removal of the file to another daemon.</summary>
    public void HandOver() => identity = null;

    /// <summary>Stops listening, and removes the socket file if it is still the file that this listener made.</summary>
    public void Dispose()
    {
        if (Socket.IsClosed)
            return;
        descriptors.Close(Socket);
        try
        {
            if (identity is { } made && Libc.lstat(path) is { } now && now.Inode == made.Inode && now.Device == made.Device)
                Libc.unlink(path);
        }
        catch (SystemCallException)
        {
            // A stale file does no harm, because the next daemon replaces it.
        }
    }

    private static ListenException Refuse(string message, Exception? inner = null) => new(message, inner) { Key = "Socket:Path" };

    private static void RemoveStale(string path)
    {
        if (Libc.lstat(path) is not { } found)
            return;
        if (found.Kind != FileKind.Socket)
            throw Refuse($"{path} exists and is not a socket; remove it or configure another Socket:Path");

        using FileDescriptor probe = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: false);
        IOResult connected = Libc.connect(probe, path);
        if (connected.Errno != Errno.ECONNREFUSED)
        {
            string who = connected.Failed ? connected.Errno.ToString() : "it accepts connections";
            throw Refuse($"another process listens on {path} ({who}); stop it or configure another Socket:Path");
        }

        Libc.unlink(path);
    }
}
