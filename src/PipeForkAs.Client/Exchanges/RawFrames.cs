using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client.Exchanges;

/// <summary>Writes the whole reply to one stream, byte for byte.</summary>
internal sealed class RawFrames(Stream frames) : IReplyTarget
{
    private readonly OutputStream output = new(JobStream.Output, frames);

    public ValueTask WriteAsync(FrameType type, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;

    public ValueTask WriteFramesAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellationToken) =>
        output.WriteAsync(frames, cancellationToken);

    public ValueTask FlushAsync(CancellationToken cancellationToken) => output.FlushAsync(cancellationToken);
}
