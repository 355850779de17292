using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Relaying;

/// <summary>Moves what the client sends behind its request to the job's stdin, inside the kernel.</summary>
internal static class InputRelay
{
    private const int Chunk = 1 << 20;

    /// <summary>Ends when the client has shut its writing side down, the job reads no more, or the connection or the pipe was closed. Closes the pipe.</summary>
    /// <param name="client">The client.</param>
    /// <param name="stdin">The pipe.</param>
    /// <param name="beginning">What was read behind the request's line already.</param>
    public static async Task RunAsync(Connection client, FileDescriptor stdin, ReadOnlyMemory<byte> beginning)
    {
        using FileDescriptor pipe = stdin;
        Watch? writable = null;
        try
        {
            while (!beginning.IsEmpty)
            {
                IOResult written = Libc.write(pipe, beginning.Span);
                if (!written.Failed)
                    beginning = beginning[(int)written.Count..];
                else if (!written.WouldBlock || !await WritableAsync())
                    return;
            }

            // Which side would block, splice does not say. The pipe is full only where the socket had something before the call;
            // to wait for the wrong side's edge would be to wait for ever.
            bool socketHadData = false;
            while (!client.IsClosed)
            {
                IOResult moved = Libc.splice(client.Socket, pipe, Chunk);
                bool goOn = true;
                if (moved.Count > 0)
                    socketHadData = false;
                else if (!moved.WouldBlock)
                    return; // The end of the input; or the job closed its stdin, or the client is gone, which others find.
                else if (socketHadData)
                    (goOn, socketHadData) = (await WritableAsync(), false);
                else if (Libc.bytes_available(client.Socket) > 0)
                    socketHadData = true;
                else
                    goOn = await client.Watch.ReadableAsync();
                if (!goOn)
                    return;
            }
        }
        finally
        {
            writable?.Dispose();
        }

        Watch.Readiness WritableAsync() => (writable ??= client.Loop.Watch(pipe, EpollEvents.EPOLLOUT)).WritableAsync();
    }
}
