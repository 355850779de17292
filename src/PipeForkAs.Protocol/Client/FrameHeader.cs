using System.Buffers.Binary;

namespace PipeForkAs.Protocol.Client;

/// <summary>The 8 bytes before each payload: type, three zero bytes, payload length (big endian). Container engines use the same layout for
/// attached streams.
/// </summary>
/// <param name="Type">What the payload is.</param>
/// <param name="Length">The payload's length in bytes, 0 to <see cref="MaxLength"/>.</param>
public readonly record struct FrameHeader(FrameType Type, int Length)
{
    /// <summary>The header's size in bytes.</summary>
    public const int Size = 8;

    /// <summary>The longest payload in bytes that either side sends or accepts: 16 MiB.</summary>
    public const int MaxLength = 16 * 1024 * 1024;

    /// <summary>Writes the header to the first <see cref="Size"/> bytes.</summary>
    /// <exception cref="InvalidOperationException">The length is one that <see cref="Decode"/> rejects.</exception>
    public void Encode(Span<byte> destination)
    {
        if (Length is < 0 or > MaxLength)
            throw new InvalidOperationException($"a frame cannot have {Length} bytes, the maximum is {MaxLength}");
        BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)Type << 24);
        BinaryPrimitives.WriteInt32BigEndian(destination[4..], Length);
    }

    /// <summary>Reads a header from <see cref="Size"/> bytes.</summary>
    /// <exception cref="FormatException">The bytes are not a header of this protocol.</exception>
    public static FrameHeader Decode(ReadOnlySpan<byte> source)
    {
        uint type = BinaryPrimitives.ReadUInt32BigEndian(source);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(source[4..]);
        FrameType known = type switch
        {
            (uint)FrameType.Stdout << 24 => FrameType.Stdout,
            (uint)FrameType.Stderr << 24 => FrameType.Stderr,
            (uint)FrameType.End << 24 => FrameType.End,
            _ => throw new FormatException($"a frame begins with 0x{type:x8}, which is not a frame type"),
        };
        return length <= MaxLength
            ? new FrameHeader(known, (int)length)
            : throw new FormatException($"a frame has {length} bytes, the maximum is {MaxLength}");
    }
}
