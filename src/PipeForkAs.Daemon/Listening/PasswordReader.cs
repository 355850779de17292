using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Listening;

/// <summary>
/// Moves the bytes after the line of a request into a pipe. What arrives after the first read moves inside the kernel.
/// </summary>
internal static class PasswordReader
{
    /// <summary>Reads to the end that the caller sets by ending its output.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="received">The request, with the beginning of the password.</param>
    /// <param name="most">The most bytes.</param>
    /// <param name="timeout">The longest time for the caller to send it.</param>
    /// <returns>The pipe's end to read from. The other end is closed.</returns>
    /// <exception cref="RefusedException">There is no password, it is too long, or it did not arrive in time.</exception>
    public static async ValueTask<FileDescriptor> ReceiveAsync(
        Connection connection, ReceivedRequest received, int most, TimeSpan timeout)
    {
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        try
        {
            using (write)
                await MoveAsync(connection, received, write, most, timeout);
            return read;
        }
        catch
        {
            read.Dispose();
            throw;
        }
    }

    private static async ValueTask MoveAsync(
        Connection connection, ReceivedRequest received, FileDescriptor pipe, int most, TimeSpan timeout)
    {
        bool isLate = false;
        using LoopTimer deadline = connection.Loop.Schedule(timeout, () =>
        {
            isLate = true;
            connection.Input.Shutdown(SocketShutdown.SHUT_RD);
        });
        long count = received.BeginningOfInput.Length;
        if (count > 0)
            ThrowIfFailed(Libc.write(pipe, received.BeginningOfInput.Span));
        while (true)
        {
            if (count > most)
                throw new RefusedException(ReplyCode.TooLarge, $"the password is longer than {most} bytes");
            IOResult moved = connection.Input.SpliceTo(pipe);
            if (moved.WouldBlock)
            {
                if (!await connection.Watch.ReadableAsync())
                    throw new RefusedException(ReplyCode.Cancelled, "the connection was closed");
                continue;
            }

            if (moved.Errno == Errno.EPROTO)
                throw new RefusedException(ReplyCode.BadRequest, "descriptors came with the password; send only bytes");
            ThrowIfFailed(moved);
            if (moved.Count == 0)
                break;
            count += moved.Count;
            await connection.Turns.EnterAsync(connection.Caller.Bucket);
        }

        if (isLate)
        {
            throw new RefusedException(
                ReplyCode.BadRequest,
                $"the password did not end within {timeout.TotalSeconds:0.###} s; send it after the line of the request, then shut down "
                + "the writing side");
        }

        // The password of a client that died is not complete.
        if (Libc.is_hung_up(connection.Socket))
            throw new RefusedException(ReplyCode.Cancelled, "the client disconnected");
        if (count == 0)
            throw new RefusedException(ReplyCode.BadRequest, "there is no password; send it after the line of the request");
    }

    private static void ThrowIfFailed(IOResult result)
    {
        if (result.Failed)
            throw new RefusedException(ReplyCode.Cancelled, $"the client disconnected: {result.Errno}");
    }
}
