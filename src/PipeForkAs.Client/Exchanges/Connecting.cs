using System.Net.Sockets;

namespace PipeForkAs.Client.Exchanges;

/// <summary>Connects to the daemon's socket.</summary>
internal static class Connecting
{
    /// <summary>How long to wait while the queue of connections is full. On a nonblocking socket, as .NET's sockets are, connect(2) then
    /// fails with EAGAIN; on a blocking socket it would wait.
    /// </summary>
    private static readonly TimeSpan QueueTimeout = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(50);

    /// <summary>Connects, and checks which process listens before it sends anything.</summary>
    /// <param name="path">The socket's path.</param>
    /// <param name="daemonUid">The uid of the process that must listen; null for any.</param>
    /// <param name="cancellationToken">Cancels the connection.</param>
    /// <exception cref="ConnectionException">The daemon cannot be reached.</exception>
    /// <exception cref="UntrustedDaemonException">A process of another uid listens.</exception>
    public static async Task<Socket> ConnectAsync(string path, uint? daemonUid, CancellationToken cancellationToken)
    {
        UnixDomainSocketEndPoint address = Address(path);
        long start = TimeProvider.System.GetTimestamp();
        TimeSpan pause = TimeSpan.FromMilliseconds(1);
        while (true)
        {
            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(address, cancellationToken).ConfigureAwait(false);
                Demand(socket, path, daemonUid);
                return socket;
            }
            catch (SocketException failure)
                when (failure.SocketErrorCode == SocketError.WouldBlock && TimeProvider.System.GetElapsedTime(start) < QueueTimeout)
            {
                socket.Dispose();
            }
            catch (SocketException failure)
            {
                socket.Dispose();
                throw new ConnectionException(path, failure);
            }
            catch
            {
                socket.Dispose();
                throw;
            }

            // No event reports that the queue has room.
            await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private static void Demand(Socket socket, string path, uint? daemonUid)
    {
        if (daemonUid is { } expected && PeerCredentials.Uid(socket) is var uid && uid != expected)
            throw new UntrustedDaemonException(path, uid, expected);
    }

    private static UnixDomainSocketEndPoint Address(string path)
    {
        try
        {
            return new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentException failure)
        {
            throw new ConnectionException(path, failure);
        }
    }
}
