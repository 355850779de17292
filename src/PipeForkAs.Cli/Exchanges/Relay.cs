using PipeForkAs.Cli.Terminal;
using PipeForkAs.LibC;

namespace PipeForkAs.Cli.Exchanges;

/// <summary>Copies between a socket and two streams on one thread, and waits for all of them in one poll(2). Each piece is written before
/// more is read: that is the backpressure, for each direction alone.
/// </summary>
internal sealed class Relay
{
    private const int BufferSize = 64 * 1024;

    private readonly FileDescriptor socket;
    private readonly Output output;
    private readonly byte[] forthBuffer = GC.AllocateUninitializedArray<byte>(BufferSize);
    private readonly byte[] backBuffer = GC.AllocateUninitializedArray<byte>(BufferSize);
    private JobInput? input;
    private ReadOnlyMemory<byte> forth, back;
    private bool isSending = true;

    private Relay(FileDescriptor socket, JobInput input, Output output)
    {
        this.socket = socket;
        this.input = input;
        this.output = output;
    }

    /// <summary>Copies until the socket ends, and then returns at once, whatever is left of the input. The end of the input shuts down the
    /// sending side of the socket. It also returns when the other end of the output is gone, even if there is nothing to write: the socket
    /// must close then, so that the daemon cancels the job.
    /// </summary>
    /// <param name="socket">The socket, which does not block.</param>
    /// <param name="input">Goes to the socket.</param>
    /// <param name="output">Takes what comes from the socket.</param>
    /// <exception cref="IOException">A stream failed; <see cref="Exception.HResult"/> is errno.</exception>
    public static void Run(FileDescriptor socket, JobInput input, Output output) => new Relay(socket, input, output).Run();

    private void Run()
    {
        Span<PollEntry> entries = stackalloc PollEntry[3];
        while (true)
        {
            // A file does not wait.
            while (!back.IsEmpty && output.Awaited(mayBlock: false) is null)
                Write();

            // Without an event to wait for, the socket is left out: poll(2) reports a closed connection again and again.
            PollEvents events = (back.IsEmpty ? PollEvents.POLLIN : 0) | (forth.IsEmpty ? 0 : PollEvents.POLLOUT);
            bool mayRead = forth.IsEmpty && input is not null;
            entries[0] = new(events == 0 ? null : socket, events);
            entries[1] = new(mayRead ? input!.Awaited : null, PollEvents.POLLIN);
            entries[2] = new(output.Awaited(mayBlock: false), back.IsEmpty ? 0 : PollEvents.POLLOUT);
            Libc.poll(entries, mayRead ? input!.Patience : -1);

            // A pipe without a reader has POLLERR; a socket that is closed in both directions, or a terminal that is gone, has POLLHUP.
            if ((entries[2].Returned & (PollEvents.POLLERR | PollEvents.POLLHUP | PollEvents.POLLNVAL)) != 0)
                return;
            if (entries[2].IsReady)
                Write();
            if (entries[0].IsReady && !forth.IsEmpty)
                Send();
            if (entries[0].IsReady && back.IsEmpty && !Receive())
                return;
            if (entries[1].IsReady)
                Read();
            else if (mayRead && input!.Awaited is null)
                input.LookForForeground();
        }
    }

    private void Write() => back = back[output.Write(back.Span, mayBlock: false)..];

    private void Read()
    {
        if (input!.Read(forthBuffer) is not { } count)
            return;
        forth = forthBuffer.AsMemory(0, count);
        if (count == 0)
            input = null;
        Send();
    }

    private void Send()
    {
        while (!forth.IsEmpty)
        {
            IOResult result = Libc.send_nowait(socket, forth.Span);
            if (result.WouldBlock)
                return;
            if (result.Failed)
            {
                // EPIPE or ECONNRESET: the daemon reads no more. Its reply, which must not be lost, says why.
                input = null;
                forth = default;
                isSending = false;
                return;
            }

            forth = forth[(int)result.Count..];
        }

        if (input is null && isSending)
        {
            Libc.shutdown(socket, SocketShutdown.SHUT_WR);
            isSending = false;
        }
    }

    /// <summary>Receives what is there. Returns false at the end; a daemon that closes before it read all of the input resets the
    /// connection.
    /// </summary>
    private bool Receive()
    {
        IOResult result = Libc.recv_nowait(socket, backBuffer);
        if (result.WouldBlock)
            return true;
        if (result.Failed || result.Count == 0)
            return false;
        back = backBuffer.AsMemory(0, (int)result.Count);
        return true;
    }
}
