using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PipeForkAs.Daemon.Systemd;
using PipeForkAs.LibC;
using SocketType = System.Net.Sockets.SocketType;

namespace PipeForkAs.Daemon.Tests.Systemd;

/// <summary>The notification socket of a service manager.</summary>
internal sealed class NotifyPoint : IDisposable
{
    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    /// <param name="address">A path, or an abstract name after '@'.</param>
    public NotifyPoint(string address)
    {
        Address = address;
        socket.Bind(new UnixDomainSocketEndPoint(address[0] == '@' ? "\0" + address[1..] : address));
        socket.Blocking = false;
    }

    public string Address { get; }

    /// <summary>The address that the daemon would read from its environment.</summary>
    public ServiceManager Manager(string? watchdogMicroseconds = null) => ServiceManager.From(
        name => name switch
        {
            "NOTIFY_SOCKET" => Address,
            "WATCHDOG_USEC" => watchdogMicroseconds,
            _ => null,
        },
        new ProcessId(1));

    /// <summary>The notifier of the daemon.</summary>
    public static ServiceNotifier Notifier(ServiceManager manager, ILogger<ServiceNotifier>? logger = null) =>
        new(manager, TimeProvider.System, logger ?? NullLogger<ServiceNotifier>.Instance);

    /// <summary>All notifications since the last call.</summary>
    public string[] Told()
    {
        var told = new List<string>();
        var buffer = new byte[4096];
        while (socket.Poll(0, SelectMode.SelectRead))
            told.Add(Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer)));
        return [.. told];
    }

    /// <summary>Sends until the socket is full.</summary>
    public void Fill()
    {
        using var sender = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
        sender.Connect(socket.LocalEndPoint!);
        try
        {
            while (true)
                sender.Send("x"u8);
        }
        catch (SocketException full) when (full.SocketErrorCode == SocketError.WouldBlock)
        {
            // As it was meant.
        }
    }

    public void Dispose() => socket.Dispose();
}
