using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Listening;

/// <summary>Reads the request line of a connection, within the limits for time and length.</summary>
internal static class RequestReader
{
    private const int FirstRead = 1024;

    /// <summary>
    /// Receives all requests, on the loop. It never moves, so that the garbage collector leaves no copies of a password, and is cleared
    /// after what follows a line was copied out of it.
    /// </summary>
    private static readonly byte[] Scratch = GC.AllocateUninitializedArray<byte>(ClientProtocol.MaxRequestBytes, pinned: true);

    /// <summary>Reads a request.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="turns">Shares the loop's time; parsing waits for its turn.</param>
    /// <param name="timeout">The longest time for the caller to send the line.</param>
    /// <returns>The request and the bytes after it, which begin the job's stdin.</returns>
    /// <exception cref="RefusedException">The line is not a valid request, or did not arrive in time.</exception>
    public static async ValueTask<ReceivedRequest> ReceiveAsync(Connection connection, FairTurns turns, TimeSpan timeout)
    {
        using LoopTimer deadline = connection.Loop.Schedule(timeout, () => connection.Interrupt(
            ReplyCode.BadRequest,
            $"no request arrived within {timeout.TotalSeconds:0.###} s; send one JSON object on one line, ended by a newline"));
        try
        {
            ReceivedRequest received = await ReadLineAsync(connection, turns);
            connection.IsReceiving = false;
            return received;
        }
        finally
        {
            connection.Reception?.End();
        }
    }

    /// <summary>Reads the form of reply from a request that is refused in any case. Returns text if no request arrives in time.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="turns">Shares the loop's time.</param>
    /// <param name="patience">The longest time to wait.</param>
    public static async ValueTask<ReplyForm> ReceiveFormAsync(Connection connection, FairTurns turns, TimeSpan patience)
    {
        try
        {
            ReceivedRequest received = await ReceiveAsync(connection, turns, patience);
            received.Clear();
            return received.Request.Reply;
        }
        catch (RefusedException refused)
        {
            return refused.Form ?? ReplyForm.Text;
        }
    }

    private static async ValueTask<ReceivedRequest> ReadLineAsync(Connection connection, FairTurns turns)
    {
        var buffer = new byte[FirstRead];
        int length = 0;
        while (true)
        {
            Span<byte> room = Scratch.AsSpan(0, buffer.Length - length);
            IOResult received = connection.Input.Receive(room);
            if (received.WouldBlock)
            {
                if (!await connection.Watch.ReadableAsync())
                    throw new RefusedException(ReplyCode.Cancelled, "the connection was closed");
                continue;
            }

            if (received.Errno == Errno.EPROTO)
            {
                throw new RefusedException(
                    ReplyCode.BadRequest, "descriptors came with the request; send only bytes",
                    ReplyFormPeek.Of(buffer.AsSpan(0, length)));
            }

            if (received.Failed)
                throw new RefusedException(ReplyCode.Cancelled, $"the client disconnected: {received.Errno}");

            Span<byte> fresh = room[..(int)received.Count];
            int end = fresh.IndexOf((byte)'\n');
            Span<byte> text = end >= 0 ? fresh[..end] : fresh;
            text.CopyTo(buffer.AsSpan(length));
            length += text.Length;
            Memory<byte> rest = end < 0 ? default : TakeRest(fresh[(end + 1)..], buffer.AsSpan(0, length));
            bool isOver = end >= 0 || received.Count == 0;
            connection.IsReceiving &= end < 0; // The deadline does not apply to a complete line that waits for its turn.
            if (isOver || length >= ClientProtocol.MaxRequestBytes || connection.Interruption is not null)
                await turns.EnterAsync(connection.Caller.Bucket);
            ReadOnlySpan<byte> soFar = buffer.AsSpan(0, length);
            if (connection.Interruption is { } interruption)
            {
                rest.Span.Clear();
                throw new RefusedException(interruption.Code, interruption.Message, ReplyFormPeek.Of(soFar));
            }

            if (length >= ClientProtocol.MaxRequestBytes)
            {
                rest.Span.Clear();
                throw new RefusedException(
                    ReplyCode.TooLarge,
                    $"the request is longer than {ClientProtocol.MaxRequestBytes} bytes; send large data as the job's standard input, "
                    + $"after the line of the request",
                    ReplyFormPeek.Of(soFar));
            }

            if (isOver)
                return Parse(buffer.AsMemory(0, length), rest, isEmpty: end < 0 && length == 0);
            if (length == buffer.Length)
                Array.Resize(ref buffer, Math.Min(buffer.Length * 4, ClientProtocol.MaxRequestBytes));
        }
    }

    /// <summary>
    /// Returns a copy of the bytes after a line, and clears the originals. The copy after <c>sign-in</c> never moves either. That word can
    /// be written with escapes, but no program does.
    /// </summary>
    private static Memory<byte> TakeRest(Span<byte> rest, ReadOnlySpan<byte> line)
    {
        if (rest.IsEmpty)
            return default;
        byte[] copy = GC.AllocateUninitializedArray<byte>(rest.Length, pinned: line.IndexOf("sign-in"u8) >= 0);
        rest.CopyTo(copy);
        rest.Clear();
        return copy;
    }

    private static ReceivedRequest Parse(ReadOnlyMemory<byte> line, Memory<byte> rest, bool isEmpty)
    {
        if (isEmpty)
            throw new RefusedException(ReplyCode.BadRequest, "the request is empty; send one JSON object on one line");
        try
        {
            return new ReceivedRequest(Request.Parse(line.Span), rest);
        }
        catch (RequestException failure)
        {
            rest.Span.Clear();
            throw new RefusedException(ReplyCode.BadRequest, failure.Message, ReplyFormPeek.Of(line.Span));
        }
    }
}
