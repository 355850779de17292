using System.Net.Sockets;

namespace PipeForkAs.Client.Exchanges;

/// <summary>A connection to a daemon of this machine.</summary>
internal sealed class SocketConnection(Socket socket) : IConnection
{
    public ValueTask<int> SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        socket.SendAsync(bytes, cancellationToken);

    public ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        socket.ReceiveAsync(buffer, cancellationToken);

    public void EndInput() => socket.Shutdown(SocketShutdown.Send);

    public void EndReply()
    {
    }

    public Task<PipeForkAsException> ExplainAsync(long received, Exception? cause, CancellationToken cancellationToken) =>
        Task.FromResult<PipeForkAsException>(new ReplyCutShortException(received, cause));

    public void Dispose() => socket.Dispose();
}
