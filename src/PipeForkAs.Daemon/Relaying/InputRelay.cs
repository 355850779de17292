using System.Buffers;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Relaying;

/// <summary>Moves the bytes that the caller sends after its request to the job's stdin. Large input moves inside the kernel.</summary>
internal sealed class InputRelay(Connection client, UntrustedSocket stdin, IRelayObserver observer) : IDisposable
{
    /// <summary>The maximum number of bytes that are copied instead of spliced.</summary>
    private const int Small = 4096;

    private Watch? writable;
    private PrivatePipe? pipe;
    private bool stopped;

    /// <summary>The time when the relay last moved something to the job, or was created, as a timestamp of the loop.</summary>
    public long LastMoved { get; private set; } = client.Loop.Time.GetTimestamp();

    /// <summary>The number of bytes that were moved to the job's stdin.</summary>
    public long Bytes { get; private set; }

    /// <summary>
    /// Relays until the caller shuts down its writing side, the job reads no more, or the connection is closed. The job's input ends only
    /// if the caller ended it. The input of a caller that died must not look complete, because a job may replace a file with it. In that
    /// case the job is cancelled, and its input goes away with it.
    /// </summary>
    /// <param name="beginning">The bytes after the request line that are already read.</param>
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

    /// <summary>Stops relaying. After this, the relay does not touch the job's stdin.</summary>
    public void Dispose()
    {
        stopped = true;
        writable?.Dispose();
        pipe?.Dispose();
    }

    /// <summary>Copies bytes to the job. Returns false if the job reads no more.</summary>
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

    /// <summary>Moves bytes to the job until the caller's socket is empty. Returns false if the job reads no more.</summary>
    private async ValueTask<bool> SpliceAsync(PrivatePipe by)
    {
        while (!client.IsClosed)
        {
            long left = client.Input.SpliceTo(by.Write).Count;
            if (left <= 0)
                return true; // Nothing more now, or the end; the next read shows which.
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
