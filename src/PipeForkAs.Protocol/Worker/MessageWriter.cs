using System.Buffers.Binary;
using System.Text;

namespace PipeForkAs.Protocol.Worker;

/// <summary>Writes a message: little-endian numbers; texts and lists, each after its length.</summary>
public sealed class MessageWriter
{
    private byte[] buffer;
    private int length;

    /// <summary>Creates a writer, which can be used repeatedly.</summary>
    /// <param name="capacity">The initial capacity in bytes.</param>
    public MessageWriter(int capacity = 1024) => buffer = new byte[capacity];

    /// <summary>The bytes written since <see cref="Begin"/>; valid until the next call.</summary>
    public ReadOnlySpan<byte> Written => buffer.AsSpan(0, length);

    /// <summary>Begins a new message.</summary>
    public MessageWriter Begin(MessageKind kind)
    {
        length = 0;
        return Byte((byte)kind);
    }

    /// <summary>Appends a byte.</summary>
    public MessageWriter Byte(byte value)
    {
        Reserve(1)[0] = value;
        return this;
    }

    /// <summary>Appends a Boolean.</summary>
    public MessageWriter Bool(bool value) => Byte(value ? (byte)1 : (byte)0);

    /// <summary>Appends a signed 32-bit number.</summary>
    public MessageWriter Int32(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(Reserve(sizeof(int)), value);
        return this;
    }

    /// <summary>Appends an unsigned 32-bit number.</summary>
    public MessageWriter UInt32(uint value) => Int32(unchecked((int)value));

    /// <summary>Appends a signed 64-bit number.</summary>
    public MessageWriter Int64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(Reserve(sizeof(long)), value);
        return this;
    }

    /// <summary>Appends bytes after their count.</summary>
    public MessageWriter Bytes(ReadOnlySpan<byte> value)
    {
        Int32(value.Length);
        value.CopyTo(Reserve(value.Length));
        return this;
    }

    /// <summary>Appends a text as UTF-8 after its length in bytes.</summary>
    public MessageWriter Text(string value)
    {
        int count = Encoding.UTF8.GetByteCount(value);
        Int32(count);
        Encoding.UTF8.GetBytes(value, Reserve(count));
        return this;
    }

    /// <summary>Appends texts after their count.</summary>
    public MessageWriter Texts(IReadOnlyList<string> values)
    {
        Int32(values.Count);
        for (int i = 0; i < values.Count; i++)
            Text(values[i]);
        return this;
    }

    private Span<byte> Reserve(int count)
    {
        if (count > buffer.Length - length)
            Array.Resize(ref buffer, Math.Max(buffer.Length * 2, length + count));
        Span<byte> reserved = buffer.AsSpan(length, count);
        length += count;
        return reserved;
    }
}
