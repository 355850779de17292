using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace PipeForkAs.ConformanceRunner;

/// <summary>Takes an output, and keeps only what is reported of it: its length, its digest, its start.</summary>
internal sealed class OutputDigest : Stream
{
    private const int StartLength = 4096;

    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly MemoryStream start = new();
    private long threshold = long.MaxValue;
    private Func<Task> action = () => Task.CompletedTask;

    /// <summary>The number of bytes so far.</summary>
    public long Count { get; private set; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Does something once, within the write that reaches so many bytes.</summary>
    public void At(long count, Func<Task> what)
    {
        threshold = count;
        action = what;
    }

    public JsonObject Report() => new()
    {
        ["bytes"] = Count,
        ["sha256"] = Convert.ToHexStringLower(hash.GetCurrentHash()),
        ["start"] = Convert.ToBase64String(start.ToArray()),
    };

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        hash.AppendData(buffer);
        start.Write(buffer[..(int)Math.Min(buffer.Length, StartLength - start.Length)]);
        Count += buffer.Length;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        if (Count < threshold)
            return;
        threshold = long.MaxValue;
        await action();
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            hash.Dispose();
            start.Dispose();
        }

        base.Dispose(disposing);
    }
}
