using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Listening;

/// <summary>
/// Accepts connections. The kernel's queue is not fair, so the acceptor empties it as fast as possible. This way the daemon soon identifies
/// even the last caller in the queue. All slow work happens later, and callers take turns for it.
/// </summary>
internal sealed class Acceptor
{
    /// <summary>The pause before the next try after accept4(2) failed.</summary>
    private static readonly TimeSpan FailurePause = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The longest time to accept connections in one turn of the loop. It includes the reading that <see cref="Fairness.FairTurns"/>
    /// permits at once for the accepted connections.
    /// </summary>
    private static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(4);

    private readonly Loop loop;
    private readonly SocketListener listener;
    private readonly Connections connections;
    private readonly ILogger logger;
    private readonly Watch listening;
    private bool stopping;

    /// <param name="loop">The loop.</param>
    /// <param name="listener">The listening socket, which the acceptor owns from now on and closes when it stops.</param>
    /// <param name="connections">Receives the accepted connections.</param>
    /// <param name="logger">Logs failures.</param>
    /// <exception cref="SystemCallException">The loop cannot watch the socket; the socket is closed.</exception>
    public Acceptor(Loop loop, SocketListener listener, Connections connections, ILogger logger)
    {
        this.loop = loop;
        this.listener = listener;
        this.connections = connections;
        this.logger = logger;
        try
        {
            listening = loop.Watch(listener.Socket, EpollEvents.EPOLLIN, "the listening socket");
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    public SocketListener Listener => listener;

    /// <summary>Starts to accept connections.</summary>
    public void Start() => loop.Start(AcceptAsync);

    /// <summary>Stops accepting connections because another daemon has the socket and serves its queue.</summary>
    public void HandOver()
    {
        stopping = true;
        listener.HandOver();
        listening.Dispose();
        listener.Dispose();
    }

    /// <summary>
    /// Stops accepting connections. Accepts the connections in the queue of the daemon's own socket first, because that queue is lost with
    /// the socket. A socket from systemd keeps its queue for the next daemon.
    /// </summary>
    public async Task StopAsync()
    {
        if (stopping)
            return;
        stopping = true;
        if (!listener.IsHanded)
            await TakeQueueAsync();
        listening.Dispose();
        listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        long begun = loop.Time.GetTimestamp();
        while (!stopping)
        {
            Errno error = TakeNext();
            if (error == Errno.EAGAIN)
            {
                if (!await listening.ReadableAsync())
                    return;
            }
            else if (error != Errno.None)
            {
                // The usual cause is a lack of descriptors or memory. After any failure, an immediate retry would keep the loop busy.
                connections.MakeRoom();
                await loop.DelayAsync(FailurePause);
            }
            else if (loop.Time.GetElapsedTime(begun) < Budget)
            {
                continue;
            }
            else
            {
                await Task.Yield();
            }

            begun = loop.Time.GetTimestamp();
        }
    }

    /// <summary>Empties the queue. First closes the queue for new connections; otherwise new connections could delay the stop.</summary>
    private async Task TakeQueueAsync()
    {
        Libc.shutdown(listener.Socket, SocketShutdown.SHUT_RD);
        while (TakeNext() == Errno.None)
            await Task.Yield();
    }

    /// <summary>Accepts the connection that waits longest. Logs every failure except EAGAIN, which means that the queue is empty.</summary>
    private Errno TakeNext()
    {
        FileDescriptor? socket = Libc.accept4(listener.Socket, out Errno error);
        if (socket is not null)
            connections.Take(socket);
        else if (error != Errno.EAGAIN)
            Log.AcceptFailed(logger, error.ToString());
        return socket is null ? error : Errno.None;
    }
}
