using System.Net.Sockets;

namespace PipeForkAs.Client.Exchanges;

/// <summary>Makes an exchange on a socket of .NET, without blocking a thread.</summary>
internal sealed class SocketExchanger : IExchanger
{
    public async Task<JobResult> ExchangeAsync(
        string path, uint? daemonUid, ReadOnlyMemory<byte> line, Stream? input, IReplyTarget target, CancellationToken cancellationToken)
    {
        Socket socket = await Connecting.ConnectAsync(path, daemonUid, cancellationToken).ConfigureAwait(false);
        return await Exchange.RunAsync(socket, line, input, target, cancellationToken).ConfigureAwait(false);
    }
}
