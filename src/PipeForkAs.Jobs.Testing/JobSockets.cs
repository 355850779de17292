using System.Net.Sockets;
using PipeForkAs.Jobs.Worker;
using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.Testing;

/// <summary>The standard streams of a job over socket pairs, as those of a worker are, and the streams of the test at their other ends.
/// </summary>
internal sealed class JobSockets : IDisposable
{
    private const int BufferBytes = 16 * 1024;

    private readonly FileDescriptor workerInput, workerOutput, workerError;
    private readonly Socket inputEnd, outputEnd, errorEnd;
#pragma warning disable CA2213 // The streams are the test's. A read may outlive the run, and its token with it, which needs no disposal.
    private readonly Stream? input, output, error;
    private readonly CancellationTokenSource jobEnded = new();
#pragma warning restore CA2213
    private readonly CancellationTokenSource failed = new();
    private readonly Lock closing = new();
    private JobStreamException? failure;
    private bool isClosed;

    public JobSockets(Stream? input, Stream? output, Stream? error)
    {
        this.input = input;
        this.output = output;
        this.error = error;
        (workerInput, inputEnd) = Pair();
        (workerOutput, outputEnd) = Pair();
        (workerError, errorEnd) = Pair();
    }

    /// <summary>Is cancelled when a stream of the test has failed; <see cref="ThrowIfFailed"/> says how.</summary>
    public CancellationToken Failed => failed.Token;

    public Stream OpenInput(TerminationSignal termination) => new DescriptorStream(workerInput, FileAccess.Read, termination);

    public Stream OpenOutput(TerminationSignal termination) => new DescriptorStream(workerOutput, FileAccess.Write, termination);

    public Stream OpenError(TerminationSignal termination) => new DescriptorStream(workerError, FileAccess.Write, termination);

    /// <summary>Moves the bytes. Completes with the numbers of bytes of both outputs, when the job has ended them.</summary>
    public async Task<(long Output, long Error)> RelayAsync()
    {
        _ = FeedAsync();
        Task<long> outputBytes = CopyAsync(outputEnd, output, JobStream.Output);
        Task<long> errorBytes = CopyAsync(errorEnd, error, JobStream.Error);
        return (await outputBytes.ConfigureAwait(false), await errorBytes.ConfigureAwait(false));
    }

    /// <summary>Ends the streams of the job, as its exit does: what it wrote can still be read, and it can neither read nor write any more.
    /// </summary>
    public void EndJob()
    {
        jobEnded.Cancel();
        lock (closing)
        {
            if (isClosed)
                return;
            Libc.shutdown(workerInput, LibC.SocketShutdown.SHUT_RDWR);
            Libc.shutdown(workerOutput, LibC.SocketShutdown.SHUT_RDWR);
            Libc.shutdown(workerError, LibC.SocketShutdown.SHUT_RDWR);
        }
    }

    /// <summary>Closes the descriptors of the job. Its function must have returned: another file may get their numbers.</summary>
    public void CloseJob()
    {
        lock (closing)
        {
            isClosed = true;
            workerInput.Dispose();
            workerOutput.Dispose();
            workerError.Dispose();
        }
    }

    /// <exception cref="JobStreamException">A stream of the test has failed.</exception>
    public void ThrowIfFailed()
    {
        if (failure is not null)
            throw failure;
    }

    /// <summary>Disposes the ends of the test.</summary>
    public void Dispose()
    {
        outputEnd.Dispose();
        errorEnd.Dispose();
        failed.Dispose();
    }

    private static (FileDescriptor Worker, Socket End) Pair()
    {
        (FileDescriptor worker, FileDescriptor end) = Libc.socketpair_stream();
#pragma warning disable CA2000 // The socket owns the handle, and the run the socket.
        return (worker, new Socket(new SafeSocketHandle(end.Release(), ownsHandle: true)));
#pragma warning restore CA2000
    }

    /// <summary>Sends the input until it ends, or the job does. A stream that does not heed the token of a read stays in that read.
    /// </summary>
    private async Task FeedAsync()
    {
        using Socket end = inputEnd;
        byte[] buffer = new byte[BufferBytes];
        try
        {
            while (await ReadInputAsync(buffer).ConfigureAwait(false) is var count and > 0)
                await SendAsync(end, buffer.AsMemory(0, count)).ConfigureAwait(false);
            end.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        }
        catch (Exception ended) when (ended is SocketException or OperationCanceledException)
        {
            // The job reads no more, as it may, or has ended.
        }
    }

    private async Task<int> ReadInputAsync(byte[] buffer)
    {
        if (input is null)
            return 0;
        try
        {
            return await input.ReadAsync(buffer, jobEnded.Token).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever the test's stream throws, the test gets.
        catch (Exception cause) when (!jobEnded.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Fail(JobStream.Input, cause);
            throw new OperationCanceledException("the input failed", cause);
        }
    }

    private async Task SendAsync(Socket end, ReadOnlyMemory<byte> data)
    {
        while (!data.IsEmpty)
            data = data[await end.SendAsync(data, SocketFlags.None, jobEnded.Token).ConfigureAwait(false)..];
    }

    private async Task<long> CopyAsync(Socket end, Stream? target, JobStream stream)
    {
        byte[] buffer = new byte[BufferBytes];
        long total = 0;
        while (await end.ReceiveAsync(buffer, SocketFlags.None).ConfigureAwait(false) is var count and > 0)
        {
            total += count;
            if (target is not null && !await TryAsync(stream, () => target.WriteAsync(buffer.AsMemory(0, count))).ConfigureAwait(false))
                target = null;
        }

        if (target is not null && total > 0)
            await TryAsync(stream, () => new ValueTask(target.FlushAsync())).ConfigureAwait(false);
        return total;
    }

    private async Task<bool> TryAsync(JobStream stream, Func<ValueTask> write)
    {
        try
        {
            await write().ConfigureAwait(false);
            return true;
        }
#pragma warning disable CA1031 // Whatever the test's stream throws, the test gets.
        catch (Exception cause)
#pragma warning restore CA1031
        {
            Fail(stream, cause);
            return false;
        }
    }

    private void Fail(JobStream stream, Exception cause)
    {
        if (Interlocked.CompareExchange(ref failure, new JobStreamException(stream, cause), null) is null)
            failed.Cancel();
    }
}
