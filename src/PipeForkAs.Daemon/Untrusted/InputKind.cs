namespace PipeForkAs.Daemon.Untrusted;

/// <summary>What can come from the other end of an <see cref="UntrustedSocket"/>.</summary>
internal enum InputKind
{
    /// <summary>Nothing: the socket was shut down for reading before an untrusted process had the other end.</summary>
    None,

    /// <summary>Bytes; SOCK_STREAM.</summary>
    Stream,

    /// <summary>Messages; one call receives one message; SOCK_SEQPACKET.</summary>
    Messages,
}
