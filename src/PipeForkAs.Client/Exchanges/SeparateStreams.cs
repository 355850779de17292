using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client.Exchanges;

/// <summary>Writes standard output to one stream, and standard error to another.</summary>
internal sealed class SeparateStreams(Stream? output, Stream? error) : IReplyTarget
{
    private readonly OutputStream output = new(JobStream.Output, output);
    private readonly OutputStream error = new(JobStream.Error, error);

    public ValueTask WriteAsync(FrameType type, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) =>
        (type == FrameType.Stdout ? output : error).WriteAsync(payload, cancellationToken);

    public ValueTask WriteFramesAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        await output.FlushAsync(cancellationToken).ConfigureAwait(false);
        await error.FlushAsync(cancellationToken).ConfigureAwait(false);
    }
}
