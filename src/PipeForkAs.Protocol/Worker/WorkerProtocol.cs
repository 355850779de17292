namespace PipeForkAs.Protocol.Worker;

/// <summary>The constants of the protocol between the daemon, job hosts and workers. Both ends must have the same version.</summary>
public static class WorkerProtocol
{
    /// <summary>The version that <see cref="Hello"/> carries.</summary>
    public const int Version = 9;

    /// <summary>How long a worker waits at most before it exits, in milliseconds; <see cref="WorkerOrder.AwaitsAnswer"/>.</summary>
    public const int AnswerPatienceMilliseconds = 20;

    /// <summary>The longest message in bytes: room for a request's arguments and environment and for 65,536 groups.</summary>
    public const int MaxMessageBytes = 512 * 1024;

    /// <summary>A message up to this many bytes fits into the kernel's default socket buffer (212,992 bytes, of which bookkeeping takes a
    /// part).
    /// </summary>
    public const int DefaultBufferBytes = 96 * 1024;

    /// <summary>The longest text of an exception or a reason, in characters; longer texts are cut.</summary>
    public const int MaxTextLength = 4096;

    /// <summary>The longest message in bytes that the daemon accepts from a worker, which runs as the user: no message from it may be
    /// large. It has room for the two texts of <see cref="Returned"/>, in which a character takes up to 3 bytes.
    /// </summary>
    public const int MaxWorkerMessageBytes = (2 * 3 * MaxTextLength) + 64;

    /// <summary>The descriptor of the control socket in a job host and in a worker.</summary>
    public const int ControlDescriptor = 3;

    /// <summary>The argument with which the daemon starts an executable as a job host.</summary>
    public const string ServeArgument = "--serve-pipeforkas";

    /// <summary>The argument with which the daemon starts an executable as a job host only for orders that grant root.</summary>
    public const string ServeRootArgument = "--serve-pipeforkas-root";

    /// <summary>Cuts a text to <see cref="MaxTextLength"/>, never within a surrogate pair.</summary>
    public static string Cut(string text) =>
        text.Length <= MaxTextLength
        ? text
        : string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[MaxTextLength - 2]) ? MaxTextLength - 2 : MaxTextLength - 1), "…");
}
