using PipeForkAs.Cli.Terminal;
using PipeForkAs.Client.Exchanges;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Exchanges;

/// <summary>One request and its reply on one thread: sends the request and the job's input while it receives the reply and writes the
/// outputs, and waits for all of them in one poll(2). Each piece of output is written before more is received, and each piece of input sent
/// before more is read: that is the backpressure, for each direction alone.
/// </summary>
internal sealed class JobExchange
{
    /// <summary>The size of the buffers at the beginning: most outputs are short, and a larger buffer costs page faults.</summary>
    private const int SmallBuffer = 4 * 1024;

    /// <summary>Slightly more than a pipe or a socket returns at once; larger buffers were not faster.</summary>
    private const int LargeBuffer = 128 * 1024;

    /// <summary>How long to wait for the daemon to close the connection after the end record, in milliseconds. The wait detects bytes that
    /// must not follow; the end of a job must not depend on the close.
    /// </summary>
    private const int CloseGrace = 2_000;

    private readonly DaemonLink link;
    private readonly FileDescriptor socket;
    private readonly Outputs outputs;
    private readonly ReplyParser parser = new();

    private JobInput? input;
    private byte[] inputBuffer = [];
    private ReadOnlyMemory<byte> unsent;
    private bool isSending = true;

    private byte[] replyBuffer = new byte[SmallBuffer];
    private ReadOnlyMemory<byte> received;
    private ReadOnlyMemory<byte> unwritten;
    private JobStream stream;

    private JobExchange(DaemonLink link, ReadOnlyMemory<byte> line, JobInput? input, Outputs outputs)
    {
        this.link = link;
        socket = link.Socket;
        this.input = input;
        this.outputs = outputs;
        unsent = line;
    }

    /// <summary>Makes the exchange on a connection.</summary>
    /// <param name="link">The connection.</param>
    /// <param name="line">The request with its line end.</param>
    /// <param name="input">The job's input; null for none.</param>
    /// <param name="outputs">Take the outputs, or the reply.</param>
    /// <returns>How the job ended.</returns>
    /// <exception cref="PipeForkAsException">There is no complete reply, or a stream of the caller failed.</exception>
    public static JobResult Run(DaemonLink link, ReadOnlyMemory<byte> line, JobInput? input, Outputs outputs) =>
        new JobExchange(link, line, input, outputs).Run();

    private JobResult Run()
    {
        Span<PollEntry> entries = stackalloc PollEntry[4];
        Send();
        while (true)
        {
            while (NextPiece() && AwaitedOutput() is null)
                Write();
            if (parser.End is { } end && unwritten.IsEmpty)
            {
                ExpectClose();
                link.End();
                return end;
            }

            // Usually more is there already.
            if (unwritten.IsEmpty && IsInputOver && Receive())
                continue;

            // Without an event to wait for, the socket is left out: poll(2) reports a closed connection again and again.
            PollEvents events = (unwritten.IsEmpty ? PollEvents.POLLIN : 0) | (unsent.IsEmpty ? 0 : PollEvents.POLLOUT);
            bool mayRead = unsent.IsEmpty && input is not null;
            entries[0] = new(events == 0 ? null : socket, events);
            entries[1] = new(mayRead ? input!.Awaited : null, PollEvents.POLLIN);
            entries[2] = new(unwritten.IsEmpty ? null : AwaitedOutput(), PollEvents.POLLOUT);
            entries[3] = new(link.Words, PollEvents.POLLIN);
            Libc.poll(entries, mayRead ? input!.Patience : -1);
            if (entries[3].IsReady)
                link.ReadWords();

            if (entries[0].IsReady && !unsent.IsEmpty)
                Send();
            if (entries[0].IsReady && unwritten.IsEmpty)
                _ = Receive();
            if (entries[2].IsReady)
                Write();
            if (entries[1].IsReady)
                ReadInput();
            else if (mayRead && input!.Awaited is null)
                input.LookForForeground();
        }
    }

    /// <summary>Whether nothing is left to send: a write of output may then wait for its reader.</summary>
    private bool IsInputOver => input is null && unsent.IsEmpty;

    /// <summary>Sends what the socket takes now. At the end of the input, shuts down the sending direction.</summary>
    private void Send()
    {
        while (!unsent.IsEmpty)
        {
            IOResult result = Libc.send_nowait(socket, unsent.Span);
            if (result.WouldBlock)
                return;
            if (result.Failed)
            {
                // EPIPE or ECONNRESET: the daemon reads no more, because it refused the request or because the job ended or closed its
                // input. The reply, which must not be lost, says what happened.
                StopSending();
                return;
            }

            unsent = unsent[(int)result.Count..];
        }

        if (input is null && isSending)
        {
            Libc.shutdown(socket, SocketShutdown.SHUT_WR);
            isSending = false;
        }
    }

    private void StopSending()
    {
        input = null;
        unsent = default;
        isSending = false;
    }

    private void ReadInput()
    {
        try
        {
            if (inputBuffer.Length == 0)
                inputBuffer = GC.AllocateUninitializedArray<byte>(SmallBuffer);
            if (input!.Read(inputBuffer) is not { } count)
                return;

            unsent = inputBuffer.AsMemory(0, count);
            if (count == 0)
                input = null;
            else if (count == inputBuffer.Length && count < LargeBuffer)
                inputBuffer = GC.AllocateUninitializedArray<byte>(LargeBuffer);
        }
        catch (IOException failure)
        {
            throw new JobStreamException(JobStream.Input, failure);
        }

        Send();
    }

    /// <summary>Receives what is there. Returns false if there is nothing yet.</summary>
    private bool Receive()
    {
        IOResult result = Libc.recv_nowait(socket, replyBuffer);
        if (result.WouldBlock)
            return false;
        if (result.Failed)
            throw link.Explain(parser.Position, new IOException(result.Errno.Text, result.Errno.Value));
        if (result.Count == 0)
            throw link.Explain(parser.Position, null);

        int count = (int)result.Count;
        received = replyBuffer.AsMemory(0, count);
        if (count == replyBuffer.Length && count < LargeBuffer)
            replyBuffer = GC.AllocateUninitializedArray<byte>(LargeBuffer);
        return true;
    }

    /// <summary>Takes the next piece to write from what was received. Returns false if there is nothing to write.</summary>
    private bool NextPiece()
    {
        if (!unwritten.IsEmpty)
            return true;

        if (outputs.Error is null)
        {
            // The unchanged reply, once its frames are checked.
            unwritten = received;
            stream = JobStream.Output;
            while (parser.TryTake(ref received, out _, out _))
            {
            }
        }
        else if (parser.TryTake(ref received, out FrameType type, out ReadOnlyMemory<byte> payload))
        {
            unwritten = payload;
            stream = type == FrameType.Stdout ? JobStream.Output : JobStream.Error;
        }

        return !unwritten.IsEmpty;
    }

    private Output CurrentOutput => stream == JobStream.Error ? outputs.Error! : outputs.Output;

    private FileDescriptor? AwaitedOutput()
    {
        try
        {
            return CurrentOutput.Awaited(IsInputOver);
        }
        catch (IOException failure)
        {
            throw new JobStreamException(stream, failure);
        }
    }

    private void Write()
    {
        try
        {
            unwritten = unwritten[CurrentOutput.Write(unwritten.Span, IsInputOver)..];
        }
        catch (IOException failure)
        {
            throw new JobStreamException(stream, failure);
        }
    }

    private void ExpectClose()
    {
        Span<PollEntry> entry = [new(socket, PollEvents.POLLIN)];
        Libc.poll(entry, CloseGrace);

        // A daemon that keeps the connection open has replied completely all the same. One that closed it before it read all of the input
        // resets it, which also counts as a close.
        if (entry[0].IsReady && Libc.recv_nowait(socket, replyBuffer).Count > 0)
            throw new ProtocolViolationException(parser.Position, "bytes follow the end record, which comes last");
    }
}
