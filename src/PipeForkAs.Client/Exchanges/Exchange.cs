using System.Net.Sockets;

using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client.Exchanges;

/// <summary>One request and its reply: sends the request line and the input while it receives the reply, and checks that the reply is
/// complete.
/// </summary>
internal static class Exchange
{
    /// <summary>Slightly more than a pipe or a socket returns at once; larger buffers were not faster.</summary>
    internal const int BufferSize = 128 * 1024;

    /// <summary>How long to wait for the daemon to close the connection after the end record. The wait detects bytes that must not follow;
    /// the end of a job must not depend on the close.
    /// </summary>
    private static readonly TimeSpan CloseGrace = TimeSpan.FromSeconds(2);

    public static async Task<JobResult> RunAsync(
        IConnection connected, ReadOnlyMemory<byte> line, Stream? input, IReplyTarget target, CancellationToken cancellationToken)
    {
        using IConnection connection = connected;

        // The close cancels the job, so it happens at once, even while a write to a caller's stream is blocked.
        using CancellationTokenRegistration closing = cancellationToken.Register(connection.Dispose);
        using CancellationTokenSource abort = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
#pragma warning disable CA2025 // The pump ends before any of its objects is disposed: see the finally block.
        Task pump = PumpAsync(new InputPump(connection, input), line, abort, ended.Token);
#pragma warning restore CA2025
        try
        {
            JobResult end = await ReceiveAsync(connection, target, ended, abort.Token).ConfigureAwait(false);
            await target.FlushAsync(abort.Token).ConfigureAwait(false);
            return end;
        }
        catch (Exception failure) when (cancellationToken.IsCancellationRequested && IsOfClosing(failure))
        {
            throw new OperationCanceledException("the request was cancelled", failure, cancellationToken);
        }
        catch (OperationCanceledException) when (abort.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // The input failed: its pump has the exception, and throws it.
            await pump.ConfigureAwait(false);
            throw;
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await pump.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task PumpAsync(InputPump pump, ReadOnlyMemory<byte> line, CancellationTokenSource abort, CancellationToken stop)
    {
        try
        {
            await pump.RunAsync(line, stop).ConfigureAwait(false);
        }
        catch (JobStreamException) when (!stop.IsCancellationRequested)
        {
            await abort.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task<JobResult> ReceiveAsync(
        IConnection connection, IReplyTarget target, CancellationTokenSource ended, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[BufferSize];
        ReplyParser parser = new();
        while (parser.End is null)
        {
            int count = await ReceiveAsync(connection, buffer, parser.Position, cancellationToken).ConfigureAwait(false);
            ReadOnlyMemory<byte> received = buffer.AsMemory(0, count);
            ReadOnlyMemory<byte> rest = received;
            while (parser.TryTake(ref rest, out FrameType type, out ReadOnlyMemory<byte> payload))
                await target.WriteAsync(type, payload, cancellationToken).ConfigureAwait(false);
            await target.WriteFramesAsync(received, cancellationToken).ConfigureAwait(false);
        }

        connection.EndReply();
        await ended.CancelAsync().ConfigureAwait(false);
        await ExpectCloseAsync(connection, parser.Position, buffer, cancellationToken).ConfigureAwait(false);
        return parser.End;
    }

    private static async ValueTask<int> ReceiveAsync(
        IConnection connection, Memory<byte> buffer, long position, CancellationToken cancellationToken)
    {
        int count;
        try
        {
            count = await connection.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure)
            when (failure is SocketException or IOException && !cancellationToken.IsCancellationRequested)
        {
            throw await connection.ExplainAsync(position, failure, cancellationToken).ConfigureAwait(false);
        }

        return count > 0 ? count : throw await connection.ExplainAsync(position, null, cancellationToken).ConfigureAwait(false);
    }

    private static async Task ExpectCloseAsync(
        IConnection connection, long position, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        using CancellationTokenSource grace = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        grace.CancelAfter(CloseGrace);
        try
        {
            if (await connection.ReceiveAsync(buffer, grace.Token).ConfigureAwait(false) > 0)
                throw new ProtocolViolationException(position, "bytes follow the end record");
        }
        catch (Exception failure) when (failure is SocketException or IOException)
        {
            // The daemon closed the connection before it read all of the input: that is a reset, which also counts as a close.
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The daemon keeps the connection open; the reply is complete anyway.
        }
    }

    private static bool IsOfClosing(Exception failure) =>
        failure is OperationCanceledException or SocketException or IOException or ObjectDisposedException or ReplyCutShortException
            or RemoteHostException;
}
