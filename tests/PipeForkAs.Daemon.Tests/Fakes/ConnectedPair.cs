using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>The socket of a client and the socket that the daemon accepted.</summary>
internal sealed class ConnectedPair : IDisposable
{
    public ConnectedPair()
    {
        string name = $"@pipeforkas-daemon-{Guid.NewGuid():N}";
        using FileDescriptor listener = Libc.socket_unix(LibC.SocketType.SOCK_STREAM, blocking: false);
        Libc.bind(listener, name);
        Libc.listen(listener, 1);
        Client = new Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, ProtocolType.Unspecified);
        Client.Connect(new UnixDomainSocketEndPoint('\0' + name[1..]));
        Accepted = Libc.accept4(listener, out _)!;
    }

    public Socket Client { get; }

    /// <summary>The end of the daemon, which does not block.</summary>
    public FileDescriptor Accepted { get; }

    /// <summary>Creates the connection of the daemon; only on the loop.</summary>
    public Connection Connect(Loop loop) => new(loop, Untrusted(loop), Caller.Identify(Accepted), new FairTurns(loop));

    /// <summary>The end of the daemon; only on the loop.</summary>
    public UntrustedSocket Untrusted(Loop loop) =>
        new(new DescriptorCheck(loop, new ChildReaper(_ => { }), byDaemon: false, NullLogger.Instance, static _ => { }), Accepted,
            InputKind.Stream, isLookedAt: false);

    /// <summary>Reads until the daemon closes its end.</summary>
    public async Task<byte[]> ReadToEndAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var all = new MemoryStream();
        var buffer = new byte[64 * 1024];
        int count;
        while ((count = await Client.ReceiveAsync(buffer, limit.Token)) > 0)
            all.Write(buffer, 0, count);
        return all.ToArray();
    }

    public void Dispose()
    {
        Client.Dispose();
        Accepted.Dispose();
    }
}
