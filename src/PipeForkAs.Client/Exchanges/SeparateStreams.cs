using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client.Exchanges;

/// <summary>Standard output goes to one stream, standard error to another.</summary>
internal sealed class SeparateStreams(Stream? output, Stream? error) : IReplyTarget
{
    private readonly OutputStream output = new(JobStream.Output, output);
    private readonly OutputStream error = new(JobStream.Error, error);

    public ValueTask WriteAsync(FrameType type, ReadOnlyMemory<byte> payload, CancellationToken cancellation) =>
        (type == FrameType.Stdout ? output : error).WriteAsync(payload, cancellation);

    public ValueTask WriteFramesAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellation) => ValueTask.CompletedTask;

    public async ValueTask FlushAsync(CancellationToken cancellation)
    {
        await output.FlushAsync(cancellation).ConfigureAwait(false);
        await error.FlushAsync(cancellation).ConfigureAwait(false);
    }
}
