namespace PipeForkAs.Client;

/// <summary>
/// A stream that the caller gave could not be read or written. The connection was closed, so that the daemon cancels the job:
/// a job must not take half of its input for the whole.
/// </summary>
public sealed class JobStreamException : PipeForkAsException
{
    internal JobStreamException(JobStream stream, Exception cause)
        : base(stream == JobStream.Input ? $"the job's input cannot be read: {cause.Message}" : $"the job's {Name(stream)} cannot be written: {cause.Message}", cause) =>
        Stream = stream;

    /// <summary>Which stream failed; the inner exception says how.</summary>
    public JobStream Stream { get; }

    private static string Name(JobStream stream) => stream == JobStream.Output ? "output" : "error output";
}
