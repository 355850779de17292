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

    /// <summary>The listening socket.</summary>
    public FileDescriptor Socket { get; }

    /// <summary>Where it listens.</summary>
    public string Path => path;

    /// <summary>
    /// Whether another process made the socket and its file, which is left as it is then: whoever connects meanwhile waits for the next
    /// daemon.
    /// </summary>
    public bool IsHanded => identity is null;

    /// <summary>Goes on with a socket that listens already and was handed over.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="descriptors">Keeps descriptors out that clients send along.</param>
    /// <exception cref="SystemCallException">It is none.</exception>
    /// <param name="device">The device of its file, where the former daemon made that; null where the service manager did.</param>
    /// <param name="inode">The inode of its file, likewise.</param>
    public static SocketListener Adopt(FileDescriptor socket, DescriptorCheck descriptors, ulong? device = null, ulong? inode = null)
    {
        string path = Libc.getsockname_unix(socket) ?? "a socket without a name";
        FileStatus? made = device is not null && Libc.lstat(path) is { } file && file.Device == device && file.Inode == inode ? file : null;
        return new SocketListener(socket, path, made, descriptors);
    }

    /// <summary>
    /// Tells why others than root can make or replace a socket at a path, which clients would take for the daemon's. Null where they
    /// cannot, and for an abstract name, which has no folder.
    /// </summary>
    public static string? FolderProblem(string path) =>
        path.StartsWith('/') ? TrustedFile.ClosedFolderProblem(System.IO.Path.GetDirectoryName(path) ?? "/") : null;

    /// <summary>Why the daemon cannot make a socket at a path; null where nothing but, perhaps, another daemon is in the way.</summary>
    public static string? PathProblem(string path) =>
        FolderProblem(path) is { } problem ? $"cannot listen on {path}; its folder: {problem}" : null;

    /// <summary>Listens. The socket file of a dead daemon is replaced; that of a living one, and any other file, is not.</summary>
    /// <param name="path">Where.</param>
    /// <param name="mode">The file's permissions: who may connect.</param>
    /// <param name="descriptors">Keeps descriptors out that clients send along.</param>
    /// <exception cref="ListenException">Something is in the way; the message says what.</exception>
    public static SocketListener Open(string path, uint mode, DescriptorCheck descriptors)
    {
        if (PathProblem(path) is { } problem)
            throw Refuse(problem);
        RemoveStale(path);
        FileDescriptor socket = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: false);
        try
        {
            // bind makes the file with what the umask leaves of 0777. A chmod behind it would follow what stands at the path by then.
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
            FileStatus made = Libc.lstat(path) ?? throw Refuse($"the socket {path} vanished while it was made");
            if (made.Permissions != mode)
            {
                throw Refuse(
                    $"the socket {path} has other permissions than Socket:Mode says; its folder has a default ACL, "
                    + "remove that (setfacl -k)");
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

    /// <summary>The file, where it was made here and is removed with the listener; else null.</summary>
    public FileStatus? MadeFile => identity;

    /// <summary>From now on another daemon removes the file.</summary>
    public void HandOver() => identity = null;

    /// <summary>Stops listening and removes the file, where it is the one that was made here.</summary>
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
            // A stale file does no harm: the next daemon replaces it.
        }
    }

    private static ListenException Refuse(string message, Exception? inner = null) => new(message, inner) { Key = "Socket:Path" };

    private static void RemoveStale(string path)
    {
        if (Libc.lstat(path) is not { } found)
            return;
        if (found.Kind != FileKind.Socket)
            throw Refuse($"{path} exists and is no socket; it is left alone. Remove it or configure another Socket:Path");

        using FileDescriptor probe = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: false);
        IOResult connected = Libc.connect(probe, path);
        if (connected.Errno != Errno.ECONNREFUSED)
        {
            string who = connected.Failed ? connected.Errno.ToString() : "it answers";
            throw Refuse($"another process listens on {path} ({who}); stop it or configure another Socket:Path");
        }

        Libc.unlink(path);
    }
}
