using System.Threading.Channels;

using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client.Exchanges;

/// <summary>Passes standard output to one reader, piece by piece: the client receives more when the reader has taken the whole piece.
/// Standard error goes to a stream of the caller; without one, the client keeps its end.
/// </summary>
internal sealed class HandOver(Stream? error) : IReplyTarget
{
    private readonly Channel<ReadOnlyMemory<byte>> pieces = Channel.CreateBounded<ReadOnlyMemory<byte>>(1);
    private readonly Channel<bool> taken = Channel.CreateBounded<bool>(1);
    private readonly OutputStream errorStream = new(JobStream.Error, error);
    private readonly OutputTail? errorTail = error is null ? new() : null;
    private ReadOnlyMemory<byte> current;

    /// <summary>The end of standard error; null if standard error went to a stream.</summary>
    public string? ErrorTail => errorTail?.Text();

    /// <summary>Reads at least one byte; returns 0 at the end.</summary>
    /// <exception cref="Exception">The exception passed to <see cref="Complete"/>.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (buffer.IsEmpty)
            return 0;

        while (current.IsEmpty)
        {
            if (!await pieces.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
                return 0;
            pieces.Reader.TryRead(out current);
        }

        int count = Math.Min(buffer.Length, current.Length);
        current[..count].CopyTo(buffer);
        current = current[count..];
        if (current.IsEmpty)
            taken.Writer.TryWrite(true);
        return count;
    }

    /// <summary>Ends the reader's stream.</summary>
    /// <param name="failure">The exception that the reader's last read throws; null for none.</param>
    public void Complete(Exception? failure = null) => pieces.Writer.TryComplete(failure);

    public async ValueTask WriteAsync(FrameType type, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        if (type == FrameType.Stderr)
        {
            errorTail?.Add(payload.Span);
            await errorStream.WriteAsync(payload, cancellationToken).ConfigureAwait(false);
            return;
        }

        await pieces.Writer.WriteAsync(payload, cancellationToken).ConfigureAwait(false);
        await taken.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
    }

    public ValueTask WriteFramesAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask FlushAsync(CancellationToken cancellationToken) => errorStream.FlushAsync(cancellationToken);
}
