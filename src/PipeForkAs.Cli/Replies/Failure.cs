using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Replies;

/// <summary>What to say and which status to leave with when there is no end record to pass on.</summary>
internal static class Failure
{
    /// <summary>errno(3), the same on every Linux; .NET passes errno on as the result code of an <see cref="IOException"/>.</summary>
    private const int EPIPE = 32;

    /// <summary>Whether it is a failure that can happen to a user; all else is a fault of the program, and shows its stack.</summary>
    public static bool Explains(Exception failure) =>
        failure is PipeForkAsException or OperationCanceledException || IsOfStreams(failure);

    /// <summary>
    /// Whether a stream failed: .NET says of a descriptor that is closed, or open for the other direction, that access is denied.
    /// </summary>
    public static bool IsOfStreams(Exception failure) => failure is IOException or UnauthorizedAccessException;

    public static int Report(Exception failure, Report report)
    {
        switch (failure)
        {
            case OperationCanceledException:
                return ExitStatus.Cancelled;
            case IOException { HResult: EPIPE }:
            case JobStreamException { Stream: not JobStream.Input, InnerException: IOException { HResult: EPIPE } }:
                // The reader has seen enough, as with "| head -1". SIGPIPE would end a local program without a word.
                return ExitStatus.BrokenPipe;
            case RequestRefusedException { Result: var end }:
                report.End(end);
                return ExitStatus.Of(end);
            default:
                report.Line(failure.Message);
                return ExitStatus.Trouble;
        }
    }
}
