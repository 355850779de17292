using System.Text;
using System.Text.Json.Nodes;

namespace PipeForkAs.ConformanceRunner;

/// <summary>The bytes that a case describes, made while they are read.</summary>
internal sealed class InputStream : Stream
{
    private readonly byte[] unit;
    private readonly long length;
    private readonly bool fails;
    private long position;

    public InputStream(JsonObject content, bool fails)
    {
        unit = (string?)content["base64"] is { } base64
            ? Convert.FromBase64String(base64)
            : Encoding.UTF8.GetBytes((string?)content["text"] ?? (string)content["pattern"]!);
        length = (long?)content["bytes"] ?? unit.Length;
        this.fails = fails;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => position;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        if (position == length)
            return fails ? throw new IOException("the source of the input failed") : 0;
        int count = (int)Math.Min(buffer.Length, length - position);
        for (int filled = 0; filled < count;)
        {
            ReadOnlySpan<byte> rest = unit.AsSpan((int)((position + filled) % unit.Length));
            int taken = Math.Min(rest.Length, count - filled);
            rest[..taken].CopyTo(buffer[filled..]);
            filled += taken;
        }

        position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
