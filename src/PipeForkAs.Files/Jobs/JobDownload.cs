namespace PipeForkAs.Files.Jobs;

/// <summary>The output of a job whose first bytes have come: a failure before them is known before the browser gets a status.</summary>
internal sealed class JobDownload : IAsyncDisposable
{
    private const int BufferBytes = 64 * 1024;
    private readonly Stream output;
    private readonly byte[] buffer;
    private int count;

    private JobDownload(Stream output, byte[] buffer, int count)
    {
        this.output = output;
        this.buffer = buffer;
        this.count = count;
    }

    /// <summary>The first bytes.</summary>
    public ReadOnlyMemory<byte> Start => buffer.AsMemory(0, count);

    /// <summary>Waits for the first bytes of an output, which the result then owns.</summary>
    /// <exception cref="FileProblem">The job failed before it wrote any.</exception>
    public static async Task<JobDownload> BeginAsync(
        Stream output, Func<JobFailedException, FileProblem> explain, CancellationToken cancellation)
    {
        byte[] buffer = new byte[BufferBytes];
        try
        {
            return new JobDownload(output, buffer, await output.ReadAsync(buffer, cancellation));
        }
        catch (Exception failure)
        {
            await output.DisposeAsync();
            if (failure is JobFailedException failed)
                throw explain(failed);
            throw;
        }
    }

    /// <summary>Reads on until there are this many bytes, or the output ends. The buffer has room for 64 KiB.</summary>
    public async Task FillAsync(int bytes, CancellationToken cancellation)
    {
        while (count < Math.Min(bytes, buffer.Length))
        {
            int read = await output.ReadAsync(buffer.AsMemory(count), cancellation);
            if (read == 0)
                return;
            count += read;
        }
    }

    /// <summary>Copies the whole output.</summary>
    public Task CopyToAsync(Stream target, CancellationToken cancellation) =>
        CopyToAsync(part => target.WriteAsync(part, cancellation), cancellation);

    /// <summary>Passes the whole output on, part by part.</summary>
    public async Task CopyToAsync(Func<ReadOnlyMemory<byte>, ValueTask> write, CancellationToken cancellation)
    {
        while (count > 0)
        {
            await write(buffer.AsMemory(0, count));
            count = await output.ReadAsync(buffer, cancellation);
        }
    }

    /// <summary>Cancels the job if it still runs.</summary>
    public ValueTask DisposeAsync() => output.DisposeAsync();
}
