namespace PipeForkAs.Client;

/// <summary>A job wrote more than the caller's limit. The client closed the connection, so that the daemon cancels the job.</summary>
public sealed class OutputTooLargeException : PipeForkAsException
{
    private OutputTooLargeException(JobStream stream, int limit, string message)
        : base(message)
    {
        Stream = stream;
        Limit = limit;
    }

    /// <summary>The stream that exceeded the limit.</summary>
    public JobStream Stream { get; }

    /// <summary>The limit in bytes.</summary>
    public int Limit { get; }

    internal static OutputTooLargeException OfStream(JobStream stream, int limit) => new(stream, limit,
        $"the job wrote more than {limit} bytes to its {stream.Name()}; read it as a stream, or raise the limit");

    internal static OutputTooLargeException OfLine(int limit) => new(JobStream.Output, limit,
        $"the job wrote a line of more than {limit} bytes to its standard output; read it as a stream, or raise the limit");
}
