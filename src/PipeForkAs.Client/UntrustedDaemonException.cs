namespace PipeForkAs.Client;

/// <summary>The process that listens at the socket is not the expected user's; nothing was sent to it. See <see cref="PipeForkAsClient.DaemonUid"/>.</summary>
public sealed class UntrustedDaemonException : PipeForkAsException
{
    internal UntrustedDaemonException(string socketPath, uint uid, uint expected)
        : base($"the process that listens at {socketPath} is uid {uid}'s, and uid {expected} was expected; nothing was sent. Who made that socket?")
    {
        SocketPath = socketPath;
        Uid = uid;
        ExpectedUid = expected;
    }

    /// <summary>The socket's path as it was used.</summary>
    public string SocketPath { get; }

    /// <summary>The uid of the process that listens.</summary>
    public uint Uid { get; }

    /// <summary>The uid that was expected.</summary>
    public uint ExpectedUid { get; }
}
