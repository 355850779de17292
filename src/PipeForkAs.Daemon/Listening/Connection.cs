using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Listening;

/// <summary>A connection: its socket, and its caller.</summary>
internal sealed class Connection : IDisposable
{
    /// <summary>
    /// Receives what nobody needs, on the loop. It never moves, so that the garbage collector leaves no copies of a password, and is
    /// cleared after each use.
    /// </summary>
    private static readonly byte[] Discarded = GC.AllocateUninitializedArray<byte>(64 * 1024, pinned: true);

    private CallerOrigin? origin;
    private Action? hungUp;
    private bool closed;

    public Connection(Loop loop, UntrustedSocket input, Caller caller, FairTurns turns)
    {
        Turns = turns;
        Loop = loop;
        Input = input;
        Caller = caller;
        Accepted = loop.Time.GetTimestamp();
        Watch = loop.Watch(Socket, EpollEvents.EPOLLIN | EpollEvents.EPOLLRDHUP, "a client", HangUp);
    }

    public Loop Loop { get; }

    /// <summary>Shares the loop's time. The relayed bytes of the connection count for its bucket.</summary>
    public FairTurns Turns { get; }

    public UntrustedSocket Input { get; }

    /// <summary>The descriptor of the socket, for epoll and for reading the peer's ids.</summary>
    public FileDescriptor Socket => Input.Descriptor;

    public Caller Caller { get; }

    public Watch Watch { get; }

    /// <summary>The calling program, as far as the daemon can determine it. Determined once.</summary>
    public CallerOrigin Origin => origin ??= CallerOrigin.Of(Socket, Caller.Pid);

    /// <summary>The time when the connection was accepted, as a timestamp.</summary>
    public long Accepted { get; }

    public bool IsClosed => closed;

    /// <summary>The reason to stop reading the request; null if there is none.</summary>
    public RefusedException? Interruption { get; private set; }

    /// <summary>Whether the daemon still waits for the line of the request.</summary>
    public bool IsReceiving { get; set; } = true;

    /// <summary>The reception of the request; null if nothing counts it.</summary>
    public Reception? Reception { get; set; }

    /// <summary>Stops reading the request. A pending read wakes up and finds the reason.</summary>
    public void Interrupt(ReplyCode code, string message)
    {
        if (!IsReceiving || Interruption is not null)
            return;
        Interruption = new RefusedException(code, message);
        Input.Shutdown(SocketShutdown.SHUT_RD);
    }

    /// <summary>
    /// Sets the callback for the disconnection of the caller, and replaces the previous callback. Calls it at once if the caller is already
    /// gone. A caller that only ended its input is not gone.
    /// </summary>
    public void OnHungUp(Action callback)
    {
        if (Watch.IsHungUp)
            callback();
        else
            hungUp = callback;
    }

    /// <summary>Sends all data. Returns false if the caller is gone or the connection was closed.</summary>
    public async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> data)
    {
        while (!closed)
        {
            IOResult sent = Input.Send(data.Span);
            if (!sent.Failed)
            {
                data = data[(int)sent.Count..];
                if (data.IsEmpty)
                    return true;
            }
            else if (!sent.WouldBlock || !await Watch.WritableAsync())
            {
                return false;
            }
        }

        return false;
    }

    /// <summary>
    /// Ends the daemon's output, and reads for a short time what the caller still sends. Otherwise a caller that writes to the closed
    /// connection would get EPIPE before it reads the reply. Closes the connection afterwards, or when the caller exceeds the number of
    /// bytes.
    /// </summary>
    /// <param name="patience">The longest time to read.</param>
    /// <param name="most">The most bytes to read.</param>
    public async ValueTask LingerAsync(TimeSpan patience, long most)
    {
        if (closed)
            return;
        hungUp = null;
        Input.Shutdown(SocketShutdown.SHUT_WR);
        using LoopTimer end = Loop.Schedule(patience, Close);
        while (!closed && most > 0)
        {
            IOResult read = Input.Receive(Discarded);
            if (read.WouldBlock)
            {
                if (!await Watch.ReadableAsync())
                    return;
                continue;
            }

            if (read.Failed || read.Count == 0)
                return;
            Discarded.AsSpan(0, (int)read.Count).Clear();
            most -= read.Count;
            await Turns.EnterAsync(Caller.Bucket);
        }
    }

    /// <summary>Ends the connection as if the caller had disconnected. The job is cancelled.</summary>
    public void Abandon()
    {
        Watch.HangUp();
        Close();
    }

    /// <summary>Closes the connection. The caller reads the end of the stream.</summary>
    public void Close()
    {
        if (closed)
            return;
        _ = Origin;
        closed = true;
        hungUp = null;
        Watch.Dispose();
        Input.Shutdown(SocketShutdown.SHUT_RDWR);
        Input.Drain(Discarded);
        Input.Dispose();
    }

    public void Dispose() => Close();

    private void HangUp() => hungUp?.Invoke();
}
