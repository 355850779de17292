using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Listening;

/// <summary>
/// Accepts clients. The kernel's queue does not know whose turn it is: it is emptied as fast as can be, so that whoever comes last is soon
/// identified, and all that takes long is done later and in turn.
/// </summary>
internal sealed class Acceptor
{
    /// <summary>Before the next try where accepting failed.</summary>
    private static readonly TimeSpan FailurePause = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// How long it may accept in one turn of the loop. What <see cref="Fairness.FairTurns"/> lets be read at once of those who came is a
    /// part of it.
    /// </summary>
    private static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(4);

    private readonly Loop loop;
    private readonly SocketListener listener;
    private readonly Connections connections;
    private readonly ILogger logger;
    private readonly Watch listening;
    private bool stopping;

    /// <param name="loop">The loop.</param>
    /// <param name="listener">Where clients connect, from here on not the caller's: the stop closes it.</param>
    /// <param name="connections">Takes them.</param>
    /// <param name="logger">Is told of failures.</param>
    /// <exception cref="SystemCallException">The socket cannot be watched; it is closed.</exception>
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

    /// <summary>Where clients connect.</summary>
    public SocketListener Listener => listener;

    /// <summary>Accepts from now on.</summary>
    public void Start() => loop.Start(AcceptAsync);

    /// <summary>Accepts no more: another daemon has the socket and serves its queue.</summary>
    public void HandOver()
    {
        stopping = true;
        listener.HandOver();
        listening.Dispose();
        listener.Dispose();
    }

    /// <summary>
    /// Accepts no more. Who has connected already is served: the daemon's own socket goes with its queue, while that of the service
    /// manager is there for the next daemon.
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
                // No descriptors or no memory, mostly. Whatever it is: to try again at once would be to do nothing else.
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

    /// <summary>Nobody can join the queue any more, or a stop would take as long as somebody does.</summary>
    private async Task TakeQueueAsync()
    {
        Libc.shutdown(listener.Socket, SocketShutdown.SHUT_RD);
        while (TakeNext() == Errno.None)
            await Task.Yield();
    }

    /// <summary>Takes who waits longest. What keeps it from that is logged, unless nobody waits (EAGAIN).</summary>
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
