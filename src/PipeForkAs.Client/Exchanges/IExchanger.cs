namespace PipeForkAs.Client.Exchanges;

/// <summary>Makes one exchange: connects, sends a request and the job's input, and receives the reply.</summary>
internal interface IExchanger
{
    /// <param name="address">The address of the daemon.</param>
    /// <param name="line">The request with its line end.</param>
    /// <param name="input">The job's input; null for none.</param>
    /// <param name="target">Takes the outputs.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <exception cref="PipeForkAsException">There is no complete reply.</exception>
    Task<JobResult> ExchangeAsync(
        DaemonAddress address, ReadOnlyMemory<byte> line, Stream? input, IReplyTarget target, CancellationToken cancellationToken);
}
