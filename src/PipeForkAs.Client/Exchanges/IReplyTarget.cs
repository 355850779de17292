using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client.Exchanges;

/// <summary>The target of a reply. The client receives no more data until the target has taken the last piece: this is the backpressure.
/// </summary>
internal interface IReplyTarget
{
    /// <summary>Takes a piece of <see cref="FrameType.Stdout"/> or <see cref="FrameType.Stderr"/>.</summary>
    /// <exception cref="PipeForkAsException">The target cannot take it.</exception>
    ValueTask WriteAsync(FrameType type, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken);

    /// <summary>Takes the unchanged reply, in pieces of any length, after the client has checked its frames.</summary>
    /// <exception cref="PipeForkAsException">The target cannot take it.</exception>
    ValueTask WriteFramesAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellationToken);

    /// <summary>Flushes the target; called once, after the whole reply.</summary>
    /// <exception cref="PipeForkAsException">The target cannot take it.</exception>
    ValueTask FlushAsync(CancellationToken cancellationToken);
}
