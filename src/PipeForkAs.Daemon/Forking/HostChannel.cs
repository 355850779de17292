using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>The daemon's end of a job host's control socket: messages, each with its descriptors.</summary>
internal sealed class HostChannel : IDisposable
{
    /// <summary>More messages than a socket holds: only a process that still sends has more.</summary>
    private const int MostArrived = 4096;

    private readonly Loop loop;
    private readonly FileDescriptor control;
    private readonly Watch watch;
    private readonly Queue<byte[]> unsent = new();
    private readonly byte[] incoming = new byte[2 * WorkerProtocol.DefaultBufferBytes];

    /// <param name="loop">The loop.</param>
    /// <param name="control">The socket, which does not block; its own from now on.</param>
    public HostChannel(Loop loop, FileDescriptor control)
    {
        this.loop = loop;
        this.control = control;
        watch = loop.Watch(control, EpollEvents.EPOLLIN, "a job host");
    }

    /// <summary>Takes a message. The descriptors that it leaves in the span are closed behind it, and where it throws.</summary>
    public delegate void Taker(ReadOnlySpan<byte> message, Span<FileDescriptor?> descriptors);

    /// <summary>Whether it was closed here.</summary>
    public bool IsClosed => control.IsClosed;

    /// <summary>What the next message is written with.</summary>
    public MessageWriter Writer { get; } = new(64);

    /// <summary>
    /// Sends what <see cref="Writer"/> holds; what the socket does not take at once waits in its order. That the job host is gone is for
    /// the reading to find.
    /// </summary>
    public void Send()
    {
        if (unsent.Count == 0)
        {
            IOResult sent = Libc.send(control, Writer.Written);
            if (!sent.WouldBlock)
                return;
        }

        unsent.Enqueue(Writer.Written.ToArray());
        if (unsent.Count == 1)
            loop.Start(SendRestAsync);
    }

    /// <summary>
    /// Hands out messages until there are no more. Returns true where the job host closed its end, false where it was closed here.
    /// </summary>
    /// <exception cref="SystemCallException">It cannot be read.</exception>
    public async Task<bool> ReadAsync(Taker take)
    {
        var descriptors = new FileDescriptor?[4];
        while (!control.IsClosed)
        {
            IOResult received = Libc.recvmsg(control, incoming, descriptors, out int count, mayLackDescriptors: true);
            if (received.WouldBlock)
            {
                if (!await watch.ReadableAsync())
                    return false;
                continue;
            }

            if (received.OrThrow("recvmsg(job host)") == 0)
                return true;
            Take(take, incoming.AsSpan(0, (int)received.Count), descriptors.AsSpan(0, count));
        }

        return false;
    }

    /// <summary>Hands out the messages that have arrived, without waiting for more: for a job host that has ended.</summary>
    /// <exception cref="SystemCallException">It cannot be read.</exception>
    public void TakeArrived(Taker take)
    {
        var descriptors = new FileDescriptor?[4];
        for (int taken = 0; taken < MostArrived && !control.IsClosed; taken++)
        {
            IOResult received = Libc.recvmsg(control, incoming, descriptors, out int count, mayLackDescriptors: true);
            if (received.WouldBlock || received.OrThrow("recvmsg(job host)") == 0)
                return;
            Take(take, incoming.AsSpan(0, (int)received.Count), descriptors.AsSpan(0, count));
        }
    }

    public void Dispose()
    {
        if (control.IsClosed)
            return;
        unsent.Clear();
        watch.Dispose();
        control.Dispose();
    }

    private static void Take(Taker take, ReadOnlySpan<byte> message, Span<FileDescriptor?> descriptors)
    {
        try
        {
            take(message, descriptors);
        }
        finally
        {
            foreach (FileDescriptor? left in descriptors)
                left?.Dispose();
            descriptors.Clear();
        }
    }

    private async Task SendRestAsync()
    {
        while (await watch.WritableAsync() && !control.IsClosed)
        {
            while (unsent.TryPeek(out byte[]? message))
            {
                if (Libc.send(control, message).WouldBlock)
                    break;
                unsent.Dequeue();
            }

            if (unsent.Count == 0)
                return;
        }
    }
}
