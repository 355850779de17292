using PipeForkAs.LibC;

using SocketError = System.Net.Sockets.SocketError;

namespace PipeForkAs.Cli.Exchanges;

/// <summary>Connects to the daemon's socket.</summary>
internal static class DaemonConnection
{
    /// <summary>How long to wait while the queue of connections is full, in milliseconds.</summary>
    private const int QueueTimeout = 10_000;

    private const int LongestPause = 50;

    /// <summary>Connects, and checks which process listens before anything is sent. The socket does not block.</summary>
    /// <param name="path">The socket's path.</param>
    /// <param name="daemonUid">The uid of the process that must listen; null for any.</param>
    /// <exception cref="ConnectionException">The daemon cannot be reached.</exception>
    /// <exception cref="UntrustedDaemonException">A process of another uid listens.</exception>
    public static FileDescriptor Open(string path, uint? daemonUid)
    {
        long deadline = Environment.TickCount64 + QueueTimeout;
        int pause = 1;
        while (true)
        {
            FileDescriptor socket = Libc.socket_unix(SocketType.SOCK_STREAM, blocking: false);
            try
            {
                IOResult result = Connect(socket, path);
                if (!result.Failed)
                {
                    Demand(socket, path, daemonUid);
                    FileDescriptor connected = socket;
                    socket = null!;
                    return connected;
                }

                if (!result.WouldBlock || Environment.TickCount64 >= deadline)
                    throw new ConnectionException(path, Error(result.Errno), result.Errno.Text);
            }
            finally
            {
                socket?.Dispose();
            }

            // No event reports that the queue has room.
            Libc.poll([], pause);
            pause = Math.Min(pause * 2, LongestPause);
        }
    }

    private static IOResult Connect(FileDescriptor socket, string path)
    {
        try
        {
            // Only a path: LibC takes an '@' at the beginning for an abstract name.
            return Libc.connect(socket, path.StartsWith('@') ? "./" + path : path);
        }
        catch (ArgumentException failure)
        {
            throw new ConnectionException(path, failure);
        }
    }

    private static void Demand(FileDescriptor socket, string path, uint? daemonUid)
    {
        if (daemonUid is { } expected && Libc.getsockopt_peercred(socket).Uid.Value is var uid && uid != expected)
            throw new UntrustedDaemonException(path, uid, expected);
    }

    private static SocketError Error(Errno errno) =>
        errno == Errno.ENOENT ? SocketError.AddressNotAvailable
        : errno == Errno.ECONNREFUSED ? SocketError.ConnectionRefused
        : errno == Errno.EACCES ? SocketError.AccessDenied
        : errno == Errno.EAGAIN ? SocketError.WouldBlock
        : SocketError.SocketError;
}
