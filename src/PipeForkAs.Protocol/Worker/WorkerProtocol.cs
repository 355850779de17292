namespace PipeForkAs.Protocol.Worker;

/// <summary>
/// The fixed figures of what the daemon, job hosts and workers say to each other. Both ends are of one version or do not talk.
/// </summary>
public static class WorkerProtocol
{
    /// <summary>The version that <see cref="Hello"/> carries.</summary>
    public const int Version = 9;

    /// <summary>How long a worker waits for its leave at most, in milliseconds; <see cref="WorkerOrder.AwaitsAnswer"/>.</summary>
    public const int AnswerPatienceMilliseconds = 20;

    /// <summary>The longest message in bytes: room for a request's arguments and environment and for 65,536 groups.</summary>
    public const int MaxMessageBytes = 512 * 1024;

    /// <summary>
    /// A message up to this many bytes fits the kernel's default socket buffer (212,992, of which bookkeeping takes a part).
    /// </summary>
    public const int DefaultBufferBytes = 96 * 1024;

    /// <summary>The longest text in characters of an exception or a reason; longer ones are cut.</summary>
    public const int MaxTextLength = 4096;

    /// <summary>
    /// The longest message in bytes that is taken from a worker, which runs as the user: nothing it says may be large. Room for the two
    /// texts of <see cref="Returned"/>, of which a character takes up to 3 bytes.
    /// </summary>
    public const int MaxWorkerMessageBytes = (2 * 3 * MaxTextLength) + 64;

    /// <summary>The descriptor under which a job host and a worker have their control socket.</summary>
    public const int ControlDescriptor = 3;

    /// <summary>The argument by which the daemon tells an executable to serve as job host.</summary>
    public const string ServeArgument = "--serve-pipeforkas";

    /// <summary>
    /// The argument by which the daemon tells an executable to serve as job host for orders that grant root, and for no others.
    /// </summary>
    public const string ServeRootArgument = "--serve-pipeforkas-root";

    /// <summary>Cuts a text to <see cref="MaxTextLength"/>, never through a surrogate pair.</summary>
    public static string Cut(string text) =>
        text.Length <= MaxTextLength
        ? text
        : string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[MaxTextLength - 2]) ? MaxTextLength - 2 : MaxTextLength - 1), "…");
}
