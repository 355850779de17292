namespace PipeForkAs.Client.Exchanges;

/// <summary>A job's standard output while the job runs. The stream ends only if the job succeeds; after any other end, the last read throws
/// an exception. Disposing the stream closes the connection.
/// </summary>
internal sealed class JobOutputStream : Stream
{
    private readonly CancellationTokenSource closing;
    private readonly HandOver handOver;
    private readonly Task exchange;
    private bool isDisposed;

    public JobOutputStream(
        IConnection connected, ReadOnlyMemory<byte> line, Stream? input, Stream? error, TracedExchange traced,
        CancellationToken cancellationToken)
    {
        closing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        handOver = new HandOver(error);
        exchange = ExchangeAsync(connected, line, input, traced);
    }

    public override bool CanRead => !isDisposed;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException("a job's output has no length");

    public override long Position
    {
        get => throw new NotSupportedException("a job's output has no position");
        set => throw new NotSupportedException("a job's output has no position");
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        return handOver.ReadAsync(buffer, cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("a job's output is read-only");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("a job's output does not support seeking");

    public override void SetLength(long value) => throw new NotSupportedException("a job's output has no length");

    /// <summary>Closes the connection, and waits until nothing uses the caller's streams any more.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (isDisposed)
            return;

        isDisposed = true;
        await closing.CancelAsync().ConfigureAwait(false);
        await exchange.ConfigureAwait(false);
        closing.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !isDisposed)
        {
            isDisposed = true;
            closing.Cancel();
            _ = exchange.ContinueWith(
                static (_, source) => ((CancellationTokenSource)source!).Dispose(),
                closing,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
        }

        base.Dispose(disposing);
    }

    /// <summary>Never throws: the reads throw any failure. Disposes the activity.</summary>
    private async Task ExchangeAsync(IConnection connected, ReadOnlyMemory<byte> line, Stream? input, TracedExchange traced)
    {
        using TracedExchange noted = traced;
        try
        {
            JobResult result = noted.Note(
                await Exchange.RunAsync(connected, line, input, handOver, closing.Token).ConfigureAwait(false));
            handOver.Complete(result.IsSuccess ? null : new JobFailedException(result, handOver.ErrorTail));
        }
#pragma warning disable CA1031 // The reader of the stream gets any exception.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            noted.Note(failure);
            handOver.Complete(failure);
        }
    }
}
