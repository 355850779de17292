using PipeForkAs.Cli.Terminal;
using PipeForkAs.Client.Exchanges;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Exchanges;

/// <summary>Makes the exchanges of a <see cref="PipeForkAsClient"/> on the calling thread: the task is complete when it is returned.
/// </summary>
internal sealed class SingleThreadExchanger : IExchanger
{
    /// <exception cref="NotSupportedException">There is an input: only <see cref="JobExchange"/> takes one.</exception>
    public async Task<JobResult> ExchangeAsync(
        DaemonAddress address, ReadOnlyMemory<byte> line, Stream? input, IReplyTarget target, CancellationToken cancellationToken)
    {
        if (input is not null)
            throw new NotSupportedException("this exchange sends no input");

        MemoryOutput output = new(JobStream.Output, PipeForkAsClient.DefaultCaptureBytes);
        MemoryOutput error = new(JobStream.Error, PipeForkAsClient.DefaultCaptureBytes);
        using DaemonLink link = DaemonLink.Open(address);
        JobResult end = JobExchange.Run(link, line, input: null, Outputs.Separate(output, error));
        await target.WriteAsync(FrameType.Stdout, output.Written, cancellationToken);
        await target.WriteAsync(FrameType.Stderr, error.Written, cancellationToken);
        return end;
    }
}
