using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Worker;

/// <summary>A worker's standard input, output or error without a buffer: no data is lost when the worker exits, and no data waits to be
/// flushed. Once the job is cancelled, no call waits any more: a call moves what it can move at once, or else is cancelled.
/// </summary>
/// <param name="socket">The socket. The stream does not own it, and it stays open.</param>
/// <param name="access">Reading or writing.</param>
/// <param name="termination">Signals that the job is cancelled.</param>
internal sealed class DescriptorStream(FileDescriptor socket, FileAccess access, TerminationSignal termination) : Stream
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
        Demand(FileAccess.Read);
        int count;
        while (!TryRead(buffer, out count))
            Wait(null, CancellationToken.None);
        return count;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<int>(cancellationToken);
        Demand(FileAccess.Read);
        try
        {
            return TryRead(buffer.Span, out int count) ? new(count) : new(ReadLaterAsync(buffer, cancellationToken));
        }
        catch (IOException failure)
        {
            return ValueTask.FromException<int>(failure);
        }
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <summary>Copies to the end, as <see cref="Stream.CopyTo(Stream, int)"/> does. The original takes its buffer from a pool, which each
    /// worker would have to create first.
    /// </summary>
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
        Demand(FileAccess.Write);
        while (true)
        {
            buffer = buffer[WriteSome(buffer)..];
            if (buffer.IsEmpty)
                return;
            Wait(null, CancellationToken.None);
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled(cancellationToken);
        Demand(FileAccess.Write);
        try
        {
            buffer = buffer[WriteSome(buffer.Span)..];
            return buffer.IsEmpty ? ValueTask.CompletedTask : new(WriteLaterAsync(buffer, cancellationToken));
        }
        catch (IOException failure)
        {
            return ValueTask.FromException(failure);
        }
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? Task.FromCanceled(cancellationToken) : Task.CompletedTask;

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) =>
        throw new NotSupportedException("a stream to the client does not support seeking");

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException("a stream to the client has no length");

    /// <summary>Ends this stream. The descriptor stays open.</summary>
    protected override void Dispose(bool disposing)
    {
        closed = true;
        base.Dispose(disposing);
    }

    private static IOException Failure(string call, FileDescriptor socket, Errno errno) =>
        new($"{call} of descriptor {socket}: {errno}", errno.Value);

#pragma warning disable RS0030 // It runs in a worker, after the fork, and only if the job must wait.
    /// <summary>Waits on a thread of the pool: an event loop for three streams would cost a job more.</summary>
    private async Task<int> ReadLaterAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        using CallWaker? waker = CallWaker.For(termination, cancellationToken);
        return await Task.Run(
            () =>
            {
                int count;
                while (!TryRead(buffer.Span, out count))
                    Wait(waker, cancellationToken);
                return count;
            },
            CancellationToken.None).ConfigureAwait(false);
    }

    private async Task WriteLaterAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        using CallWaker? waker = CallWaker.For(termination, cancellationToken);
        await Task.Run(
            () =>
            {
                while (!buffer.IsEmpty)
                {
                    Wait(waker, cancellationToken);
                    buffer = buffer[WriteSome(buffer.Span)..];
                }
            },
            CancellationToken.None).ConfigureAwait(false);
    }
#pragma warning restore RS0030

    /// <summary>Reads the available bytes. Returns false if there are none yet.</summary>
    private bool TryRead(Span<byte> buffer, out int count)
    {
        IOResult read = Libc.recv_nowait(socket, buffer);
        count = (int)read.Count;
        if (read.WouldBlock)
            return false;
        return read.Failed ? throw Failure("read", socket, read.Errno) : true;
    }

    /// <summary>Writes as many bytes as there is room for, and returns their number.</summary>
    private int WriteSome(ReadOnlySpan<byte> buffer)
    {
        int count = 0;
        while (count < buffer.Length)
        {
            IOResult written = Libc.write_nowait(socket, buffer[count..]);
            if (written.WouldBlock)
                break;
            if (written.Failed)
                throw Failure("write", socket, written.Errno);
            count += (int)written.Count;
        }

        return count;
    }

    /// <summary>Waits until the stream may be ready.</summary>
    /// <exception cref="OperationCanceledException">The call's token, or the job, is cancelled.</exception>
    private void Wait(CallWaker? callWaker, CancellationToken cancellationToken)
    {
        try
        {
            // The waker exists before the check: a cancellation after the check makes it readable.
            FileDescriptor waker = termination.Waker;
            cancellationToken.ThrowIfCancellationRequested();
            termination.ThrowIfCancelled();
            Libc.poll_until_woken(socket, toWrite: access == FileAccess.Write, waker, callWaker?.Descriptor);
        }
        catch (SystemCallException failure)
        {
            throw new IOException(failure.Message, failure);
        }
    }

    private void Demand(FileAccess demanded)
    {
        ObjectDisposedException.ThrowIf(closed, this);
        if (access != demanded)
            throw new NotSupportedException(access == FileAccess.Read ? "this stream is read-only" : "this stream is write-only");
    }
}
