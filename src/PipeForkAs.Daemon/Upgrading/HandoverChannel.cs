using System.Text.Json;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>One end of the socket (SOCK_SEQPACKET) between two daemons. Used on the loop, except for <see cref="ReadFirst"/>.</summary>
internal sealed class HandoverChannel(FileDescriptor socket) : IDisposable
{
    /// <summary>The maximum size of a message in bytes.</summary>
    private const int MostBytes = 64 * 1024;

    private readonly byte[] buffer = new byte[MostBytes];
    private Watch? watch;

    /// <summary>Sends a message. Returns false if the other daemon has ended or does not read.</summary>
    public bool Send(HandoverMessage message) => !socket.IsClosed && !Libc.send(socket, Bytes(message)).Failed;

    /// <summary>
    /// Sends a message as soon as the socket has room for it. Only one call may be pending at a time. Returns false if the other daemon has
    /// ended.
    /// </summary>
    public async Task<bool> SendAsync(Loop loop, HandoverMessage message)
    {
        byte[] bytes = Bytes(message);
        while (!socket.IsClosed)
        {
            IOResult sent = Libc.send(socket, bytes);
            if (!sent.Failed)
                return true;
            if (!sent.WouldBlock || !await Watching(loop).WritableAsync())
                return false;
        }

        return false;
    }

    /// <summary>Waits for the first message.</summary>
    /// <exception cref="UpgradeException">The other daemon has ended.</exception>
    public HandoverMessage ReadFirst()
    {
        IOResult received = Libc.recv(socket, buffer);
        return received.Count > 0
            ? Parse(buffer.AsSpan(0, (int)received.Count))
            : throw new UpgradeException("the former daemon has ended");
    }

    /// <summary>Receives a message; null if the other daemon has ended or this end was closed.</summary>
    /// <exception cref="UpgradeException">The message cannot be read.</exception>
    public async Task<HandoverMessage?> ReadAsync(Loop loop)
    {
        while (!socket.IsClosed)
        {
            IOResult received = Libc.recv(socket, buffer);
            if (received.Count > 0)
                return Parse(buffer.AsSpan(0, (int)received.Count));
            if (!received.WouldBlock || !await Watching(loop).ReadableAsync())
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

    private static byte[] Bytes(HandoverMessage message) =>
        JsonSerializer.SerializeToUtf8Bytes(message, HandoverJson.Default.HandoverMessage);

    private Watch Watching(Loop loop) => watch ??= loop.Watch(socket, EpollEvents.EPOLLIN, "another daemon");

    private static HandoverMessage Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, HandoverJson.Default.HandoverMessage)
                ?? throw new UpgradeException("an empty message of another daemon");
        }
        catch (JsonException failure)
        {
            string place = UntrustedText.Excerpt(failure.Path ?? "$");
            throw new UpgradeException($"an unreadable message of another daemon, at {place}", failure);
        }
    }
}
