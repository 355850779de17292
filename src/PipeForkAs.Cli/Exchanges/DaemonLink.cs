using PipeForkAs.Client.Exchanges;
using PipeForkAs.LibC;

namespace PipeForkAs.Cli.Exchanges;

/// <summary>A connection to a daemon of this machine, or through ssh(1) to that of another host. Both are a socket that does not block.
/// </summary>
internal sealed class DaemonLink : IDisposable
{
    private readonly SshProcess? ssh;

    private DaemonLink(FileDescriptor socket, SshProcess? ssh)
    {
        Socket = socket;
        this.ssh = ssh;
    }

    /// <summary>Takes the request and the input, and gives the reply.</summary>
    public FileDescriptor Socket { get; }

    /// <summary>Standard error of ssh, to read as soon as it is ready; null if there is none.</summary>
    public FileDescriptor? Words => ssh?.Words;

    /// <summary>Connects.</summary>
    /// <param name="address">The address of the daemon.</param>
    /// <exception cref="PipeForkAsException">The daemon cannot be reached, or ssh cannot be started.</exception>
    public static DaemonLink Open(DaemonAddress address)
    {
        if (address.Host is null)
            return new DaemonLink(DaemonConnection.Open(address.SocketPath, address.DaemonUid), null);
        SshProcess ssh = SshProcess.Start(address);
        return new DaemonLink(ssh.Socket, ssh);
    }

    /// <summary>Reads some of <see cref="Words"/>.</summary>
    public void ReadWords() => ssh?.ReadWords();

    /// <summary>Returns the exception for a connection that ended before the end record.</summary>
    /// <param name="received">The number of bytes that arrived.</param>
    /// <param name="cause">The failure of the connection; null if it was closed.</param>
    public PipeForkAsException Explain(long received, Exception? cause) =>
        ssh is null ? new ReplyCutShortException(received, cause)
        : received == 0 ? ssh.Explain()
        : new ReplyCutShortException(received, ssh.Explain());

    /// <summary>Waits for the end of ssh after a complete reply. Another session may share its connection; then it waits for that one, as
    /// ssh does.
    /// </summary>
    public void End() => ssh?.End();

    public void Dispose()
    {
        Socket.Dispose();
        ssh?.Dispose();
    }
}
