using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Hosting;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>Tells the service manager how the daemon is; sd_notify(3). Nothing where it does not want to know.</summary>
internal sealed class ServiceNotifier(ServiceManager manager) : IHostedLifecycleService
{
    public Task StartedAsync(CancellationToken cancellationToken) => Tell("READY=1");

    public Task StoppingAsync(CancellationToken cancellationToken) => Tell("STOPPING=1");

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>The configuration is being read anew, since now: CLOCK_MONOTONIC, which the framework's time stamps are on Linux.</summary>
    public void Reloading() => Tell($"RELOADING=1\nMONOTONIC_USEC={Microseconds(Stopwatch.GetElapsedTime(0))}");

    /// <summary>The daemon serves: by the new configuration, or by the former.</summary>
    public void Ready() => Tell("READY=1");

    /// <summary>The daemon is not hung. Never waits: false where the service manager takes nothing now.</summary>
    public bool Alive() => TryTell("WATCHDOG=1");

    /// <summary>What it does, in one line for <c>systemctl status</c>. Never waits: false where the service manager takes nothing now.</summary>
    public bool Status(string text) => TryTell($"STATUS={text}");

    /// <summary>That it goes on stopping, and is to be let for so long from now. Never waits: false where the service manager takes nothing now.</summary>
    public bool ExtendTimeout(TimeSpan time) => TryTell($"EXTEND_TIMEOUT_USEC={Microseconds(time)}");

    private static string Microseconds(TimeSpan time) => (time.Ticks / TimeSpan.TicksPerMicrosecond).ToString(CultureInfo.InvariantCulture);

    private Task Tell(string state)
    {
        Send(state, blocking: true).OrThrow($"send(NOTIFY_SOCKET={manager.NotifyAddress})");
        return Task.CompletedTask;
    }

    private bool TryTell(string state)
    {
        try
        {
            return !Send(state, blocking: false).Failed;
        }
        catch (SystemCallException)
        {
            // No descriptor for a socket, say: the next word may get through.
            return false;
        }
    }

    private IOResult Send(string state, bool blocking)
    {
        if (manager.NotifyAddress is not { } address)
            return default;
        using FileDescriptor socket = Libc.socket_unix(SocketType.SOCK_DGRAM, blocking);
        IOResult connected = Libc.connect(socket, address);
        return connected.Failed ? connected : Libc.send(socket, Encoding.UTF8.GetBytes(state));
    }
}
