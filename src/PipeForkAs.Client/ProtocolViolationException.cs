namespace PipeForkAs.Client;

/// <summary>What listens at the socket does not speak version 1 of the client protocol in frames.</summary>
public sealed class ProtocolViolationException : PipeForkAsException
{
    internal ProtocolViolationException(long position, string what, Exception? cause = null)
        : base($"the reply breaks the protocol at byte {position}: {what}", cause) =>
        Position = position;

    /// <summary>Where in the reply the fault begins: bytes from its start, headers of frames included.</summary>
    public long Position { get; }
}
