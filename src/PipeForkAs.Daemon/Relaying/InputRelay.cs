using System.Buffers;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Relaying;

/// <summary>Moves what the client sends behind its request to the job's stdin: inside the kernel where it is much.</summary>
internal sealed class InputRelay(Connection client, UntrustedSocket stdin, IRelayObserver observer) : IDisposable
{
    /// <summary>Up to this many bytes are copied.</summary>
    private const int Small = 4096;

    private Watch? writable;
    private PrivatePipe? pipe;
    private bool stopped;

    /// <summary>When something last went there, or the relay was made; a time stamp of the loop's.</summary>
    public long LastMoved { get; private set; } = client.Loop.Time.GetTimestamp();

    /// <summary>Bytes that went to the job's stdin so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>
    /// Relays until the client has shut its writing side down, the job reads no more, or the connection was closed. The job's input ends
    /// only for a client that ended it itself: one that died must not look to the job like one that was finished, since a job
    /// may replace a file with what came. That job is cancelled, and its input goes with it.
    /// </summary>
    /// <param name="beginning">What was read behind the request's line already.</param>
    public async Task RunAsync(ReadOnlyMemory<byte> beginning)
    {
        if (!await CopyAsync(beginning))
            return;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Small);
        try
        {
            await RelayAsync(buffer);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task RelayAsync(byte[] buffer)
    {
        while (!stopped && !client.IsClosed)
        {
            IOResult read = client.Input.Receive(buffer.AsSpan(0, Small));
            if (read.WouldBlock)
            {
                if (!await client.Watch.ReadableAsync())
                    return;
                continue;
            }

            if (read.Errno == Errno.EPROTO)
                observer.ClientSentDescriptors();
            if (read.Failed)
                return;
            if (read.Count == 0)
            {
                EndOfInput();
                return;
            }

            if (!await CopyAsync(buffer.AsMemory(0, (int)read.Count)))
                return;
            if (read.Count < Small)
                continue;
            pipe ??= PrivatePipe.TryCreate();
            if (pipe is not null && !await SpliceAsync(pipe))
                return;
        }
    }

    /// <summary>Stops relaying; nothing of it touches the job's stdin any more.</summary>
    public void Dispose()
    {
        stopped = true;
        writable?.Dispose();
        pipe?.Dispose();
    }

    /// <summary>False where it is over: the job reads no more.</summary>
    private async ValueTask<bool> CopyAsync(ReadOnlyMemory<byte> data)
    {
        while (!data.IsEmpty)
        {
            IOResult sent = stdin.Send(data.Span);
            if (!sent.Failed)
            {
                Count(sent.Count);
                data = data[(int)sent.Count..];
            }
            else if (!sent.WouldBlock || !await WritableAsync() || stopped)
            {
                return false;
            }
        }

        return await ContinuesAsync();
    }

    /// <summary>Until the client has sent no more than is here. False where it is over: the job reads no more.</summary>
    private async ValueTask<bool> SpliceAsync(PrivatePipe by)
    {
        while (!client.IsClosed)
        {
            long left = client.Input.SpliceTo(by.Write).Count;
            if (left <= 0)
                return true; // Nothing more now, or never: reading tells which.
            while (left > 0)
            {
                IOResult moved = stdin.SpliceFrom(by.Read, (int)left);
                if (moved.Count > 0)
                {
                    Count(moved.Count);
                    left -= moved.Count;
                }
                else if (!moved.WouldBlock || !await WritableAsync() || stopped)
                {
                    return false;
                }
            }

            if (!await ContinuesAsync())
                return false;
        }

        return false;
    }

    private void Count(long moved)
    {
        Bytes += moved;
        LastMoved = client.Loop.Time.GetTimestamp();
    }

    private async ValueTask<bool> ContinuesAsync()
    {
        await client.Turns.EnterAsync(client.Caller.Bucket);
        return !stopped;
    }

    private void EndOfInput()
    {
        if (Libc.is_hung_up(client.Socket))
            return;
        Dispose();
        stdin.Dispose();
    }

    private Watch.Readiness WritableAsync() =>
        (writable ??= client.Loop.Watch(stdin.Descriptor, EpollEvents.EPOLLOUT, "a job's stdin")).WritableAsync();
}
