using System.Diagnostics;
using System.Globalization;
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

    /// <summary>The configuration is being read anew, since now: CLOCK_MONOTONIC, which the framework's time stamps are on Linux.</summary>
    public void Reloading() => Tell(string.Create(
        CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={(long)(Stopwatch.GetTimestamp() * (1_000_000.0 / Stopwatch.Frequency))}"));

    /// <summary>The daemon serves: by the new configuration, or by the former.</summary>
    public void Ready() => Tell("READY=1");

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
