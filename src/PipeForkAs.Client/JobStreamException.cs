using PipeForkAs.Protocol;

namespace PipeForkAs.Client;

/// <summary>The client could not read or write a stream of the caller. The client closed the connection, so that the daemon cancels the
/// job: a job must not mistake half of its input for the whole.
/// </summary>
public sealed class JobStreamException : PipeForkAsException
{
    internal JobStreamException(JobStream stream, Exception cause)
        : base(Explain(stream, cause.Message), cause) => Stream = stream;

    /// <summary>The stream that failed; the inner exception says how.</summary>
    public JobStream Stream { get; }

    private static string Explain(JobStream stream, string problem) =>
        $"cannot {(stream == JobStream.Input ? "read" : "write")} the job's {stream.Name()}: {UntrustedText.Escape(problem)}";
}
