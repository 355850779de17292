namespace PipeForkAs.Tests.Fakes;

/// <summary>A stream that fails with an errno, as .NET reports it.</summary>
internal sealed class BrokenStream(int errno) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new IOException("broken", errno);

    public override void Write(byte[] buffer, int offset, int count) => throw new IOException("broken", errno);

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
