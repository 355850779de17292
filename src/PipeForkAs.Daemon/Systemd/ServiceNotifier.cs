using System.Text;
using Microsoft.Extensions.Hosting;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>Tells the service manager that the daemon is ready, or stops; sd_notify(3). Nothing where NOTIFY_SOCKET is not set.</summary>
internal sealed class ServiceNotifier : IHostedLifecycleService
{
    private readonly string? address = Environment.GetEnvironmentVariable("NOTIFY_SOCKET");

    public Task StartedAsync(CancellationToken cancellationToken) => Tell("READY=1");

    public Task StoppingAsync(CancellationToken cancellationToken) => Tell("STOPPING=1");

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private Task Tell(string state)
    {
        if (string.IsNullOrEmpty(address))
            return Task.CompletedTask;

        using FileDescriptor socket = Libc.socket_unix(SocketType.SOCK_DGRAM, blocking: true);
        Libc.connect(socket, address).OrThrow($"connect(NOTIFY_SOCKET={address})");
        Libc.send(socket, Encoding.UTF8.GetBytes(state)).OrThrow("send(NOTIFY_SOCKET)");
        return Task.CompletedTask;
    }
}
