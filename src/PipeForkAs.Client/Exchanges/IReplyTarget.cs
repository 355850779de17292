using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client.Exchanges;

/// <summary>Where a reply goes. Nothing more is received until what was handed over is written: that is the backpressure.</summary>
internal interface IReplyTarget
{
    /// <summary>Takes a piece of <see cref="FrameType.Stdout"/> or <see cref="FrameType.Stderr"/>.</summary>
    /// <exception cref="PipeForkAsException">It cannot be taken.</exception>
    ValueTask WriteAsync(FrameType type, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken);

    /// <summary>Takes the reply as it came, in pieces cut anywhere, after its frames were checked.</summary>
    /// <exception cref="PipeForkAsException">It cannot be taken.</exception>
    ValueTask WriteFramesAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellationToken);

    /// <summary>Called once, after the whole reply.</summary>
    /// <exception cref="PipeForkAsException">It cannot be taken.</exception>
    ValueTask FlushAsync(CancellationToken cancellationToken);
}
