namespace PipeForkAs.Client;

/// <summary>The connection ended before the end record: the daemon, the machine or ssh stopped. It is unknown whether the job ran to its
/// end.
/// </summary>
public sealed class ReplyCutShortException : PipeForkAsException
{
    internal ReplyCutShortException(long received, Exception? cause = null)
        : base(
            received == 0
                ? "the daemon closed the connection without a reply; see: journalctl -u pipeforkas"
                : $"the reply was cut short after {received} bytes: its end record is missing, so it is unknown how the job ended"
                + (cause is RemoteHostException ? $"; {cause.Message}" : ""),
            cause) =>
        Received = received;

    /// <summary>The number of bytes of the reply that arrived, including headers of frames.</summary>
    public long Received { get; }
}
