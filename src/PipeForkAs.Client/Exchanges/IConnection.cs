namespace PipeForkAs.Client.Exchanges;

/// <summary>A connection to a daemon. Disposing it before <see cref="EndReply"/> cancels the job, at once, whatever waits on it.</summary>
internal interface IConnection : IDisposable
{
    /// <summary>Sends some bytes; returns their number.</summary>
    ValueTask<int> SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Receives at least one byte; returns 0 at the end.</summary>
    ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Ends the input of the job.</summary>
    void EndInput();

    /// <summary>Notes that the end record has arrived.</summary>
    void EndReply();

    /// <summary>Returns the exception for a connection that ended before the end record.</summary>
    /// <param name="received">The number of bytes that arrived.</param>
    /// <param name="cause">The failure of the connection; null if it was closed.</param>
    /// <param name="cancellationToken">Ends the wait for a reason.</param>
    Task<PipeForkAsException> ExplainAsync(long received, Exception? cause, CancellationToken cancellationToken);
}
