using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Replies;

/// <summary>The message and the exit status when there is no end record.</summary>
internal static class Failure
{
    /// <summary>errno(3), the same on every Linux; .NET passes errno on as the result code of an <see cref="IOException"/>.</summary>
    private const int EPIPE = 32;

    /// <summary>Whether the message of the failure explains it to a user. Any other exception is a bug in the program, and its stack is
    /// shown.
    /// </summary>
    public static bool Explains(Exception failure) =>
        failure is PipeForkAsException or SystemCallException or UnauthorizedAccessException || IsOfStreams(failure);

    /// <summary>Whether a stream failed.</summary>
    public static bool IsOfStreams(Exception failure) => failure is IOException;

    public static int Report(Exception failure, Report report)
    {
        switch (failure)
        {
            case IOException { HResult: EPIPE }:
            case JobStreamException { Stream: not JobStream.Input, InnerException: IOException { HResult: EPIPE } }:
                // The reader needs no more, as with "| head -1". SIGPIPE would end a local program without a message.
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
