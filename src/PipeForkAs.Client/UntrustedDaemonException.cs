using PipeForkAs.Protocol;

namespace PipeForkAs.Client;

/// <summary>A process with a uid other than <see cref="PipeForkAsClient.DaemonUid"/> listens at the socket; the client sent nothing to it.
/// </summary>
public sealed class UntrustedDaemonException : PipeForkAsException
{
    internal UntrustedDaemonException(string socketPath, uint uid, uint expected)
        : base($"a process of uid {uid} listens on {UntrustedText.Excerpt(socketPath)}, expected uid {expected}; nothing was sent")
    {
        SocketPath = socketPath;
        Uid = uid;
        ExpectedUid = expected;
    }

    /// <summary>The path of the socket.</summary>
    public string SocketPath { get; }

    /// <summary>The uid of the process that listens.</summary>
    public uint Uid { get; }

    /// <summary>The expected uid.</summary>
    public uint ExpectedUid { get; }
}
