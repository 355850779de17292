using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Listening;

/// <summary>
/// Moves the bytes after the line of a request into a pipe. They do not go there inside the kernel: a pipe has room for 16 pieces, and the
/// caller chooses how many pieces there are.
/// </summary>
internal static class PasswordReader
{
    /// <summary>
    /// Receives all passwords, on the loop. It never moves, so that the garbage collector leaves no copies, and is cleared after each use.
    /// </summary>
    private static readonly byte[] Scratch = GC.AllocateUninitializedArray<byte>(OneMessage.MostBytes, pinned: true);

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
        int count = 0;
        Put(received.BeginningOfInput.Span, pipe, ref count, most);
        received.Clear();
        while (true)
        {
            IOResult moved = Move(connection, pipe, ref count, most);
            if (moved.WouldBlock)
            {
                if (!await connection.Watch.ReadableAsync())
                    throw new RefusedException(ReplyCode.Cancelled, "the connection was closed");
                continue;
            }

            if (moved.Errno == Errno.EPROTO)
                throw new RefusedException(ReplyCode.BadRequest, "descriptors came with the password; send only bytes");
            ThrowIfFailed(moved);
            await connection.Turns.EnterAsync(connection.Caller.Bucket);
            if (moved.Count == 0)
                break;
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

    private static IOResult Move(Connection connection, FileDescriptor pipe, ref int count, int most)
    {
        try
        {
            IOResult read = connection.Input.Receive(Scratch);
            if (read.Count > 0)
                Put(Scratch.AsSpan(0, (int)read.Count), pipe, ref count, most);
            return read;
        }
        finally
        {
            Scratch.AsSpan().Clear();
        }
    }

    /// <summary>Writes into the pipe, which has room for the longest password: the kernel puts small pieces into the same page.</summary>
    private static void Put(ReadOnlySpan<byte> bytes, FileDescriptor pipe, ref int count, int most)
    {
        count += bytes.Length;
        if (count > most)
            throw new RefusedException(ReplyCode.TooLarge, $"the password is longer than {most} bytes");
        if (!bytes.IsEmpty && Libc.write(pipe, bytes).OrThrow($"write({pipe})") != bytes.Length)
            throw new InvalidOperationException("a pipe has no room for a password");
    }

    private static void ThrowIfFailed(IOResult result)
    {
        if (result.Failed)
            throw new RefusedException(ReplyCode.Cancelled, $"the client disconnected: {result.Errno}");
    }
}
