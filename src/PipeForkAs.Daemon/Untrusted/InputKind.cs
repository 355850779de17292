namespace PipeForkAs.Daemon.Untrusted;

/// <summary>What can come from the other end of an <see cref="UntrustedSocket"/>.</summary>
internal enum InputKind
{
    /// <summary>Nothing: it was shut down for reading before anybody hostile had the other end.</summary>
    None,

    /// <summary>Bytes; SOCK_STREAM.</summary>
    Stream,

    /// <summary>Messages, of which one call receives one; SOCK_SEQPACKET.</summary>
    Messages,
}
