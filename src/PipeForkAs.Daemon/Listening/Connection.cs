using System.Buffers;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Listening;

/// <summary>A connected client: its socket, and who it is.</summary>
internal sealed class Connection : IDisposable
{
    private CallerOrigin? origin;
    private bool closed;

    public Connection(Loop loop, UntrustedSocket input, Caller caller)
    {
        Loop = loop;
        Input = input;
        Caller = caller;
        Accepted = loop.Time.GetTimestamp();
        Watch = loop.Watch(Socket, EpollEvents.EPOLLIN | EpollEvents.EPOLLRDHUP, "a client");
    }

    public Loop Loop { get; }

    /// <summary>What the client sends.</summary>
    public UntrustedSocket Input { get; }

    /// <summary>The socket, for all but receiving.</summary>
    public FileDescriptor Socket => Input.Descriptor;

    public Caller Caller { get; }

    public Watch Watch { get; }

    /// <summary>Which program asks, as far as that can be told; looked at once.</summary>
    public CallerOrigin Origin => origin ??= CallerOrigin.Of(Socket, Caller.Pid);

    /// <summary>Leaves out which program asks, unless that was looked at already: for a refusal that must take little time.</summary>
    public void SkipOrigin() => origin ??= CallerOrigin.Skipped;

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
        Libc.shutdown(Socket, SocketShutdown.SHUT_RD);
    }

    /// <summary>Calls back when the client is gone for good, at once where it already is. A client that only ended its input is not.</summary>
    public void OnHungUp(Action callback)
    {
        if (Watch.IsHungUp)
            callback();
        else
            Watch.HungUp = callback;
    }

    /// <summary>Sends all of it. False when the client is gone or the connection was closed.</summary>
    public async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> data)
    {
        while (!closed)
        {
            IOResult sent = Libc.send(Socket, data.Span);
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
    /// Ends the connection: the client finds the end of the file. What it sent and nobody read is read first: a Unix socket that is closed with unread data
    /// resets its peer (unix_release_sock in the kernel's af_unix.c), and the peer's reader might take that for a failure.
    /// </summary>
    public void Close()
    {
        if (closed)
            return;
        _ = Origin;
        closed = true;
        Watch.Dispose();
        Libc.shutdown(Socket, SocketShutdown.SHUT_RDWR);
        if (Input.HoldsBytesAlone)
            Drain();
        Input.Dispose();
    }

    public void Dispose() => Close();

    private void Drain()
    {
        byte[] rest = ArrayPool<byte>.Shared.Rent(16 * 1024);
        for (int i = 0; i < 64 && Input.Receive(rest).Count > 0; i++)
        {
        }

        ArrayPool<byte>.Shared.Return(rest);
    }
}
