using System.Buffers;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Listening;

/// <summary>A connected client: its socket, and who it is.</summary>
internal sealed class Connection : IDisposable
{
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

    /// <summary>Shares the loop's time: what is relayed for the client is a part of its bucket's.</summary>
    public FairTurns Turns { get; }

    /// <summary>The socket.</summary>
    public UntrustedSocket Input { get; }

    /// <summary>The socket, for watching and for asking who is at the other end.</summary>
    public FileDescriptor Socket => Input.Descriptor;

    public Caller Caller { get; }

    public Watch Watch { get; }

    /// <summary>Which program asks, as far as that can be told; looked at once.</summary>
    public CallerOrigin Origin => origin ??= CallerOrigin.Of(Socket, Caller.Pid);

    /// <summary>When it was accepted, as a timestamp.</summary>
    public long Accepted { get; }

    /// <summary>Whether <see cref="Close"/> was called.</summary>
    public bool IsClosed => closed;

    /// <summary>Why the request's reading is to end, where somebody decided so.</summary>
    public RefusedException? Interruption { get; private set; }

    /// <summary>Whether the request's line is still awaited.</summary>
    public bool IsReceiving { get; set; } = true;

    /// <summary>Its way to its request; null where nobody counts it.</summary>
    public Reception? Reception { get; set; }

    /// <summary>Ends the reading of the request; what waits for it wakes up and finds the reason.</summary>
    public void Interrupt(ReplyCode code, string message)
    {
        if (!IsReceiving || Interruption is not null)
            return;
        Interruption = new RefusedException(code, message);
        Input.Shutdown(SocketShutdown.SHUT_RD);
    }

    /// <summary>
    /// Calls back when the client is gone for good, at once where it already is; in place of the former callback. A client that only
    /// ended its input is not gone.
    /// </summary>
    public void OnHungUp(Action callback)
    {
        if (Watch.IsHungUp)
            callback();
        else
            hungUp = callback;
    }

    /// <summary>Sends all of it. False when the client is gone or the connection was closed.</summary>
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
    /// Ends what the daemon says, and takes what the client still sends, for a moment: a client that writes to a closed connection finds
    /// that (EPIPE) before the reply. Then, and where the client sends more than that, the connection is closed.
    /// </summary>
    /// <param name="patience">How long.</param>
    /// <param name="most">How many bytes.</param>
    public async ValueTask LingerAsync(TimeSpan patience, long most)
    {
        if (closed)
            return;
        hungUp = null;
        Input.Shutdown(SocketShutdown.SHUT_WR);
        using LoopTimer end = Loop.Schedule(patience, Close);
        byte[] room = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            while (!closed && most > 0)
            {
                IOResult read = Input.Receive(room);
                if (read.WouldBlock)
                {
                    if (!await Watch.ReadableAsync())
                        return;
                    continue;
                }

                if (read.Failed || read.Count == 0)
                    return;
                most -= read.Count;
                await Turns.EnterAsync(Caller.Bucket);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(room);
        }
    }

    /// <summary>Ends the connection as if the client had gone away: its job is cancelled.</summary>
    public void Abandon()
    {
        Watch.HangUp();
        Close();
    }

    /// <summary>Ends the connection: the client finds the end of the file.</summary>
    public void Close()
    {
        if (closed)
            return;
        _ = Origin;
        closed = true;
        hungUp = null;
        Watch.Dispose();
        Input.Shutdown(SocketShutdown.SHUT_RDWR);
        byte[] rest = ArrayPool<byte>.Shared.Rent(16 * 1024);
        Input.Drain(rest);
        ArrayPool<byte>.Shared.Return(rest);
        Input.Dispose();
    }

    public void Dispose() => Close();

    private void HangUp() => hungUp?.Invoke();
}
