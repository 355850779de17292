namespace PipeForkAs.Client;

/// <summary>
/// The connection ended before the end record: the daemon, or the machine, was stopped in the middle. Whether the job ran to
/// its end cannot be told.
/// </summary>
public sealed class ReplyCutShortException : PipeForkAsException
{
    internal ReplyCutShortException(long received, Exception? cause = null)
        : base(
            received == 0
                ? "the daemon closed the connection without a reply; its journal may say why: journalctl -u pipeforkas"
                : $"the reply was cut short after {received} bytes: its end record is missing, and with it how the job ended",
            cause) =>
        Received = received;

    /// <summary>Bytes of the reply that did arrive, headers of frames included.</summary>
    public long Received { get; }
}
