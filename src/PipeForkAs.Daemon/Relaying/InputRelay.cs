using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Relaying;

/// <summary>Moves what the client sends behind its request to the job's stdin, inside the kernel.</summary>
internal sealed class InputRelay(Connection client, FileDescriptor stdin) : IDisposable
{
    private const int Chunk = 1 << 20;

    /// <summary>After so many pieces, of at most what a pipe holds each, the others have their turn.</summary>
    private const int PiecesInARow = 16;

    /// <summary>Bytes that went to the job's stdin so far.</summary>
    public long Bytes { get; private set; }

    private Watch? writable;
    private bool stopped;

    /// <summary>
    /// Relays until the client has shut its writing side down, the job reads no more, or the connection was closed. The pipe is closed
    /// only for a client that ended its input itself: one that died must not look to the job like one that was finished, since a job
    /// may replace a file with what came. That job is cancelled, and the pipe goes with it.
    /// </summary>
    /// <param name="beginning">What was read behind the request's line already.</param>
    public async Task RunAsync(ReadOnlyMemory<byte> beginning)
    {
        while (!beginning.IsEmpty)
        {
            IOResult written = Libc.write(stdin, beginning.Span);
            Bytes += written.Count;
            if (!written.Failed)
                beginning = beginning[(int)written.Count..];
            else if (!written.WouldBlock || !await WritableAsync() || stopped)
                return;
        }

        // Which side would block, splice does not say. The pipe is full only where the socket had something before the call;
        // to wait for the wrong side's edge would be to wait for ever.
        bool socketHadData = false;
        int pieces = 0;
        while (!stopped && !client.IsClosed)
        {
            IOResult moved = Libc.splice(client.Socket, stdin, Chunk);
            bool goOn = true;
            Bytes += moved.Count;
            if (moved.Count > 0)
            {
                socketHadData = false;
                if (++pieces % PiecesInARow == 0)
                    await Task.Yield();
            }
            else if (!moved.WouldBlock)
            {
                if (!moved.Failed)
                    EndOfInput();
                return;
            }
            else if (socketHadData)
            {
                goOn = await WritableAsync();
                socketHadData = false;
            }
            else if (Libc.bytes_available(client.Socket) > 0)
            {
                socketHadData = true;
            }
            else if (client.Watch.IsInputEnded)
            {
                // The pipe is full, and so splice does not tell of the end; nor will another edge.
                EndOfInput();
                return;
            }
            else
            {
                goOn = await client.Watch.ReadableAsync();
            }

            if (!goOn)
                return;
        }
    }

    /// <summary>Stops relaying; nothing of it touches the pipe any more.</summary>
    public void Dispose()
    {
        stopped = true;
        writable?.Dispose();
    }

    private void EndOfInput()
    {
        if (Libc.is_hung_up(client.Socket))
            return;
        Dispose();
        stdin.Dispose();
    }

    private Watch.Readiness WritableAsync() => (writable ??= client.Loop.Watch(stdin, EpollEvents.EPOLLOUT)).WritableAsync();
}
