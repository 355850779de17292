using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>The daemon's end of a job host's control socket: messages, each with its descriptors.</summary>
internal sealed class HostChannel : IDisposable
{
    /// <summary>More messages than a socket can contain. Only a process that still sends can exceed this.</summary>
    private const int MostArrived = 4096;

    private readonly Loop loop;
    private readonly FileDescriptor control;
    private readonly Watch watch;
    private readonly Queue<byte[]> unsent = new();
    private readonly byte[] incoming = new byte[2 * WorkerProtocol.DefaultBufferBytes];

    /// <param name="loop">The loop.</param>
    /// <param name="control">The non-blocking socket, which this channel owns from now on.</param>
    public HostChannel(Loop loop, FileDescriptor control)
    {
        this.loop = loop;
        this.control = control;
        watch = loop.Watch(control, EpollEvents.EPOLLIN, "a job host");
    }

    /// <summary>
    /// Processes a message. The channel closes the descriptors that remain in the span after the call, also if the call throws.
    /// </summary>
    public delegate void Taker(ReadOnlySpan<byte> message, Span<FileDescriptor?> descriptors);

    /// <summary>Whether the daemon closed the channel.</summary>
    public bool IsClosed => control.IsClosed;

    /// <summary>The buffer in which the next message is encoded.</summary>
    public MessageWriter Writer { get; } = new(64);

    /// <summary>
    /// Sends the content of <see cref="Writer"/>. Queues what the socket does not accept at once, in order. Ignores that the job host is
    /// gone; the reading side detects that.
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
    /// Passes messages on until there are no more. Returns true if the job host closed its end, and false if the daemon closed the channel.
    /// </summary>
    /// <exception cref="SystemCallException">The socket cannot be read.</exception>
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

    /// <summary>Passes on the messages that have arrived, and does not wait for more. Used after the job host ended.</summary>
    /// <exception cref="SystemCallException">The socket cannot be read.</exception>
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
