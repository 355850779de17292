namespace PipeForkAs.Client;

/// <summary>A process of another uid than <see cref="PipeForkAsClient.DaemonUid"/> listens at the socket; nothing was sent to it.</summary>
public sealed class UntrustedDaemonException : PipeForkAsException
{
    internal UntrustedDaemonException(string socketPath, uint uid, uint expected)
        : base($"a process of uid {uid} listens at {socketPath}, expected is uid {expected}; nothing was sent")
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
