namespace PipeForkAs.Client.Exchanges;

/// <summary>A stream of the caller's that takes output; its failures say which one it is.</summary>
internal readonly struct OutputStream(JobStream name, Stream? stream)
{
    /// <exception cref="JobStreamException">The stream failed.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        if (stream is null)
            return;

        try
        {
            await stream.WriteAsync(bytes, cancellation).ConfigureAwait(false);
        }
        catch (Exception failure) when (!cancellation.IsCancellationRequested)
        {
            throw new JobStreamException(name, failure);
        }
    }

    /// <exception cref="JobStreamException">The stream failed.</exception>
    public async ValueTask FlushAsync(CancellationToken cancellation)
    {
        if (stream is null)
            return;

        try
        {
            await stream.FlushAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception failure) when (!cancellation.IsCancellationRequested)
        {
            throw new JobStreamException(name, failure);
        }
    }
}
