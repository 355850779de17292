using System.Buffers;
using System.Text.Json;

using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client.Exchanges;

/// <summary>Finds the frames in a reply, however the socket splits it, and checks its rules: known types, lengths within the limit, the end
/// record once and last. Returns output in pieces as it arrives; collects only the end record.
/// </summary>
internal sealed class ReplyParser
{
    private readonly byte[] header = new byte[FrameHeader.Size];
    private readonly ArrayBufferWriter<byte> endJson = new();
    private int headerLength;
    private FrameType type;
    private int remaining;

    /// <summary>The number of bytes taken so far.</summary>
    public long Position { get; private set; }

    /// <summary>The result of the request; null until the end record is complete.</summary>
    public JobResult? End { get; private set; }

    /// <summary>Takes bytes up to the next piece of output. Returns false if all bytes are taken without one.</summary>
    /// <param name="received">The bytes from the socket; on return, the remaining ones.</param>
    /// <param name="output">The type of the output: <see cref="FrameType.Stdout"/> or <see cref="FrameType.Stderr"/>.</param>
    /// <param name="payload">The output, at least one byte.</param>
    /// <exception cref="ProtocolViolationException">The reply breaks a rule.</exception>
    public bool TryTake(ref ReadOnlyMemory<byte> received, out FrameType output, out ReadOnlyMemory<byte> payload)
    {
        output = default;
        payload = default;
        while (!received.IsEmpty)
        {
            if (End is not null)
                throw new ProtocolViolationException(Position, "bytes follow the end record");

            if (headerLength < FrameHeader.Size)
            {
                TakeHeader(ref received);
                continue;
            }

            ReadOnlyMemory<byte> piece = Take(ref received, remaining);
            remaining -= piece.Length;
            output = type;
            FinishFrame(piece);
            if (output != FrameType.End)
            {
                payload = piece;
                return true;
            }
        }

        return false;
    }

    private void TakeHeader(ref ReadOnlyMemory<byte> received)
    {
        ReadOnlyMemory<byte> piece = Take(ref received, FrameHeader.Size - headerLength);
        piece.Span.CopyTo(header.AsSpan(headerLength));
        headerLength += piece.Length;
        if (headerLength < FrameHeader.Size)
            return;

        try
        {
            (type, remaining) = FrameHeader.Decode(header);
        }
        catch (FormatException failure)
        {
            throw new ProtocolViolationException(Position - FrameHeader.Size, failure.Message, failure);
        }

        FinishFrame(default);
    }

    private void FinishFrame(ReadOnlyMemory<byte> piece)
    {
        if (type == FrameType.End)
            endJson.Write(piece.Span);
        if (remaining > 0)
            return;

        headerLength = 0;
        if (type == FrameType.End)
            End = ReadEnd();
    }

    private JobResult ReadEnd()
    {
        long start = Position - endJson.WrittenCount;
        JobResult end;
        try
        {
            end = JobResult.Of(EndRecord.Parse(endJson.WrittenSpan));
        }
        catch (JsonException failure)
        {
            string problem = $"the end record cannot be read, at {UntrustedText.Excerpt(failure.Path ?? "$")}";
            throw new ProtocolViolationException(start, problem, failure);
        }

        if (EndCheck.Problem(end) is { } wrong)
            throw new ProtocolViolationException(start, wrong);
        return end;
    }

    private ReadOnlyMemory<byte> Take(ref ReadOnlyMemory<byte> received, int atMost)
    {
        int count = Math.Min(received.Length, atMost);
        ReadOnlyMemory<byte> piece = received[..count];
        received = received[count..];
        Position += count;
        return piece;
    }
}
