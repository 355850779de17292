namespace PipeForkAs.Client.Tests;

/// <summary>A stream whose reads and writes wait until a test opens it, and ignore cancellation as those of a terminal do.</summary>
internal sealed class GatedStream(Stream inner) : Stream
{
    private readonly TaskCompletionSource entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when a read or a write waits.</summary>
    public Task Entered => entered.Task;

    public void Open() => opened.TrySetResult();

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        Block();
        return inner.Read(buffer, offset, count);
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // A stream that blocks the calling thread: the worst case of a caller's stream.
        Block();
        return inner.ReadAsync(buffer, CancellationToken.None);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        entered.TrySetResult();
        await opened.Task;
        await inner.WriteAsync(buffer, CancellationToken.None);
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        Block();
        inner.Write(buffer, offset, count);
    }

    public override void Flush() => inner.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private void Block()
    {
        entered.TrySetResult();
        opened.Task.Wait();
    }
}
