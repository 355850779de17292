namespace PipeForkAs.Client.Exchanges;

/// <summary>A stream of the caller that takes output; a failure names the stream.</summary>
internal sealed class OutputStream(JobStream name, Stream? stream)
{
    private bool isWritten;

    /// <exception cref="JobStreamException">The stream failed.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (stream is null)
            return;

        try
        {
            isWritten = true;
            await stream.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            throw new JobStreamException(name, failure);
        }
    }

    /// <summary>Flushes the stream if anything was written: the first flush of a web server's response sends its status, which the program
    /// may still change.
    /// </summary>
    /// <exception cref="JobStreamException">The stream failed.</exception>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        if (stream is null || !isWritten)
            return;

        try
        {
            await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            throw new JobStreamException(name, failure);
        }
    }
}
