namespace PipeForkAs.Client.Exchanges;

/// <summary>Makes the connections of one client, and bounds its sessions of ssh.</summary>
/// <param name="sshSessions">The most sessions at once; asked before the first one.</param>
internal sealed class Connector(Func<int> sshSessions)
{
    private readonly Lazy<SemaphoreSlim> sessions = new(() => new SemaphoreSlim(sshSessions()));

    /// <exception cref="ConnectionException">The daemon of this machine cannot be reached.</exception>
    /// <exception cref="UntrustedDaemonException">A process of another uid listens.</exception>
    /// <exception cref="RemoteHostException">ssh cannot be started.</exception>
    public async Task<IConnection> ConnectAsync(DaemonAddress address, CancellationToken cancellationToken)
    {
        if (address.Host is null)
        {
#pragma warning disable CA2000 // The connection owns it.
            return new SocketConnection(
                await Connecting.ConnectAsync(address.SocketPath, address.DaemonUid, cancellationToken).ConfigureAwait(false));
#pragma warning restore CA2000
        }

        await sessions.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
        bool isStarted = false;
        try
        {
            SshConnection connection = SshConnection.Start(address, () => sessions.Value.Release());
            isStarted = true;
            return connection;
        }
        finally
        {
            if (!isStarted)
                sessions.Value.Release();
        }
    }
}
