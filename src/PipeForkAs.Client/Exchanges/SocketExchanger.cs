namespace PipeForkAs.Client.Exchanges;

/// <summary>Makes an exchange on a socket of .NET or through ssh, without blocking a thread of the caller.</summary>
internal sealed class SocketExchanger(Connector connector) : IExchanger
{
    public async Task<JobResult> ExchangeAsync(
        DaemonAddress address, ReadOnlyMemory<byte> line, Stream? input, IReplyTarget target, CancellationToken cancellationToken)
    {
        IConnection connection = await connector.ConnectAsync(address, cancellationToken).ConfigureAwait(false);
        return await Exchange.RunAsync(connection, line, input, target, cancellationToken).ConfigureAwait(false);
    }
}
