using System.Text.Json;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>One end of the socket (SOCK_SEQPACKET) between two daemons. On the loop, apart from <see cref="ReadFirst"/>.</summary>
internal sealed class HandoverChannel(FileDescriptor socket) : IDisposable
{
    /// <summary>The most bytes of a message.</summary>
    private const int MostBytes = 64 * 1024;

    private Watch? watch;

    /// <summary>Sends a message. False where the other daemon has ended, or does not read.</summary>
    public bool Send(HandoverMessage message) =>
        !socket.IsClosed && !Libc.send(socket, JsonSerializer.SerializeToUtf8Bytes(message, HandoverJson.Default.HandoverMessage)).Failed;

    /// <summary>Waits for the first message.</summary>
    /// <exception cref="UpgradeException">The other daemon has ended.</exception>
    public HandoverMessage ReadFirst()
    {
        var buffer = new byte[MostBytes];
        IOResult received = Libc.recv(socket, buffer);
        return received.Count > 0 ? Parse(buffer.AsSpan(0, (int)received.Count)) : throw new UpgradeException("the former daemon has ended");
    }

    /// <summary>Receives a message; null when the other daemon has ended, or this end was closed.</summary>
    /// <exception cref="UpgradeException">It cannot be read.</exception>
    public async Task<HandoverMessage?> ReadAsync(Loop loop)
    {
        var buffer = new byte[MostBytes];
        watch ??= loop.Watch(socket, EpollEvents.EPOLLIN, "another daemon");
        while (!socket.IsClosed)
        {
            IOResult received = Libc.recv(socket, buffer);
            if (received.Count > 0)
                return Parse(buffer.AsSpan(0, (int)received.Count));
            if (!received.WouldBlock || !await watch.ReadableAsync())
                return null;
        }

        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (socket.IsClosed)
            return;
        watch?.Dispose();
        socket.Dispose();
    }

    private static HandoverMessage Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, HandoverJson.Default.HandoverMessage) ?? throw new UpgradeException("an empty message of another daemon");
        }
        catch (JsonException failure)
        {
            throw new UpgradeException($"an unreadable message of another daemon: {failure.Message}", failure);
        }
    }
}
