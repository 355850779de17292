using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Worker;

/// <summary>
/// A worker's standard input, output or error without buffer: nothing is lost when the worker exits, and nothing waits to be flushed. A
/// FileStream would do the same; it has a handle with a finalizer and asks the kernel what is open, and each worker would do that anew.
/// </summary>
/// <param name="descriptor">The descriptor, which stays open: it is not this stream's.</param>
/// <param name="access">Reading or writing.</param>
internal sealed class DescriptorStream(FileDescriptor descriptor, FileAccess access) : Stream
{
    private bool closed;

    /// <inheritdoc/>
    public override bool CanRead => access == FileAccess.Read && !closed;

    /// <inheritdoc/>
    public override bool CanWrite => access == FileAccess.Write && !closed;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException("a stream to the client has no length");

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException("a stream to the client has no position");
        set => throw new NotSupportedException("a stream to the client has no position");
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(closed, this);
        if (!CanRead)
            throw new NotSupportedException("this stream is for writing");
        IOResult read = Libc.read(descriptor, buffer);
        return read.Failed ? throw Failure("read", read) : (int)read.Count;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    /// <summary>Copies to the end, as <see cref="Stream.CopyTo(Stream, int)"/> does, which takes its buffer from a pool that each worker would have to make first.</summary>
    public override void CopyTo(Stream destination, int bufferSize)
    {
        ValidateCopyToArguments(destination, bufferSize);
        byte[] buffer = GC.AllocateUninitializedArray<byte>(bufferSize);
        while (Read(buffer) is var count and > 0)
            destination.Write(buffer, 0, count);
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(closed, this);
        if (!CanWrite)
            throw new NotSupportedException("this stream is for reading");
        while (!buffer.IsEmpty)
        {
            IOResult written = Libc.write(descriptor, buffer);
            if (written.Failed)
                throw Failure("write", written);
            buffer = buffer[(int)written.Count..];
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken) : Task.CompletedTask;

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("a stream to the client cannot be sought in");

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException("a stream to the client has no length");

    /// <summary>Ends this stream. The descriptor stays open.</summary>
    protected override void Dispose(bool disposing)
    {
        closed = true;
        base.Dispose(disposing);
    }

    private IOException Failure(string call, IOResult result) => new($"{call} of descriptor {descriptor}: {result.Errno}", result.Errno.Value);
}
