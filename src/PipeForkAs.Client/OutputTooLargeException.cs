namespace PipeForkAs.Client;

/// <summary>A job wrote more than the caller wanted to keep in memory. The connection was closed, so that the daemon cancels the job.</summary>
public sealed class OutputTooLargeException : PipeForkAsException
{
    internal OutputTooLargeException(JobStream stream, int limit)
        : base($"the job wrote more than {limit} bytes to its {(stream == JobStream.Output ? "output" : "error output")}; stream it instead of keeping it in memory")
    {
        Stream = stream;
        Limit = limit;
    }

    /// <summary>The stream that outgrew the limit.</summary>
    public JobStream Stream { get; }

    /// <summary>The limit in bytes.</summary>
    public int Limit { get; }
}
