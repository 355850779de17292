using System.Net.Sockets;

namespace PipeForkAs.Client.Exchanges;

/// <summary>Sends the request line and then the job's input, and shuts down the sending side of the connection at the input's end.
/// </summary>
internal sealed class InputPump(IConnection connection, Stream? input)
{
    /// <summary>Ends without an exception when the daemon reads no more, because it refused the request or because the job ended or closed
    /// its input: the reply, which must not be lost, says what happened. Also ends without an exception when stopped.
    /// </summary>
    /// <exception cref="JobStreamException">The input cannot be read.</exception>
    public async Task RunAsync(ReadOnlyMemory<byte> line, CancellationToken stop)
    {
        try
        {
            await SendAsync(line, stop).ConfigureAwait(false);
            if (input is not null)
                await SendInputAsync(input, stop).ConfigureAwait(false);
            connection.EndInput();
        }
        catch (Exception failure) when (failure is SocketException or IOException)
        {
            // EPIPE or ECONNRESET: the daemon reads no more.
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The reply has ended, or the caller cancelled.
        }
        catch (ObjectDisposedException) when (stop.IsCancellationRequested)
        {
            // The same, as the socket reports it.
        }
    }

    private async Task SendInputAsync(Stream source, CancellationToken stop)
    {
        // Not from a pool: an abandoned read may still write into the buffer.
        byte[] buffer = new byte[Exchange.BufferSize];
        int count;
        while ((count = await ReadAsync(source, buffer, stop).ConfigureAwait(false)) > 0)
            await SendAsync(buffer.AsMemory(0, count), stop).ConfigureAwait(false);
    }

    /// <summary>Reads on another thread, and abandons the read when stopped: a read on a terminal or a pipe does not return, and cannot be
    /// cancelled, until another process writes there.
    /// </summary>
    private static async Task<int> ReadAsync(Stream source, Memory<byte> buffer, CancellationToken stop)
    {
        Task<int> read = Task.Run(() => source.ReadAsync(buffer, stop).AsTask(), CancellationToken.None);
        try
        {
            return await read.WaitAsync(stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // If the read fails later, nothing waits for it any more.
            _ = read.ContinueWith(
                static abandoned => abandoned.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default);
            throw;
        }
#pragma warning disable CA1031 // The caller gets whatever its stream throws, with the name of the stream.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            throw new JobStreamException(JobStream.Input, failure);
        }
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await connection.SendAsync(bytes, stop).ConfigureAwait(false)..];
    }
}
