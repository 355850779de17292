namespace PipeForkAs.Client;

/// <summary>The process that listens at the socket does not use version 1 of the client protocol with frames.</summary>
public sealed class ProtocolViolationException : PipeForkAsException
{
    internal ProtocolViolationException(long position, string what, Exception? cause = null)
        : base($"the reply breaks the protocol at byte {position}: {what}", cause) =>
        Position = position;

    /// <summary>The position of the fault in the reply: bytes from its start, including headers of frames.</summary>
    public long Position { get; }
}
