using System.Buffers.Binary;
using System.Text;

namespace PipeForkAs.Protocol.Worker;

/// <summary>Reads a message that <see cref="MessageWriter"/> wrote. Checks every length against the remaining bytes before use.</summary>
public ref struct MessageReader
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> rest;

    /// <summary>Begins to read a message.</summary>
    /// <exception cref="FormatException">The message is empty.</exception>
    public MessageReader(ReadOnlySpan<byte> message)
    {
        rest = message;
        Kind = (MessageKind)Byte();
    }

    /// <summary>The message's kind; may be unknown to this version.</summary>
    public MessageKind Kind { get; }

    /// <summary>Reads a byte.</summary>
    public byte Byte() => Take(1)[0];

    /// <summary>Reads a Boolean.</summary>
    public bool Bool() => Byte() switch
    {
        0 => false,
        1 => true,
        byte other => throw new FormatException($"a truth value is {other}"),
    };

    /// <summary>Reads a signed 32-bit number.</summary>
    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)));

    /// <summary>Reads an unsigned 32-bit number.</summary>
    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

    /// <summary>Reads a signed 64-bit number.</summary>
    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)));

    /// <summary>Reads bytes. The result is part of the message, not a copy.</summary>
    public ReadOnlySpan<byte> Bytes() => Take(Count(1));

    /// <summary>Reads a text.</summary>
    public string Text()
    {
        try
        {
            return Strict.GetString(Bytes());
        }
        catch (DecoderFallbackException failure)
        {
            throw new FormatException("a text is not UTF-8", failure);
        }
    }

    /// <summary>Reads a list of texts.</summary>
    public string[] Texts()
    {
        int count = Count(sizeof(int));
        if (count == 0)
            return [];
        var texts = new string[count];
        for (int i = 0; i < count; i++)
            texts[i] = Text();
        return texts;
    }

    /// <summary>Reads the count of a list whose items take at least this many bytes each.</summary>
    public int Count(int itemBytes)
    {
        int count = Int32();
        return count >= 0 && count <= rest.Length / itemBytes
            ? count
            : throw new FormatException($"a count of {count} is more than the message contains");
    }

    /// <summary>Checks that no bytes remain.</summary>
    /// <exception cref="FormatException">Some bytes remain.</exception>
    public readonly void End()
    {
        if (!rest.IsEmpty)
            throw new FormatException($"{rest.Length} extra bytes in a {Kind} message");
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if ((uint)count > (uint)rest.Length)
            throw new FormatException($"the message ends early: {count} bytes are needed, {rest.Length} remain");
        ReadOnlySpan<byte> taken = rest[..count];
        rest = rest[count..];
        return taken;
    }
}
