using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client.Exchanges;

/// <summary>The whole reply goes to one stream, byte for byte.</summary>
internal sealed class RawFrames(Stream frames) : IReplyTarget
{
    private readonly OutputStream output = new(JobStream.Output, frames);

    public ValueTask WriteAsync(FrameType type, ReadOnlyMemory<byte> payload, CancellationToken cancellation) => ValueTask.CompletedTask;

    public ValueTask WriteFramesAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellation) => output.WriteAsync(frames, cancellation);

    public ValueTask FlushAsync(CancellationToken cancellation) => output.FlushAsync(cancellation);
}
