using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>
/// What <see cref="SystemdLifetime"/> lacks: SIGINT and SIGQUIT stop the daemon as SIGTERM does, and a service manager that cannot be
/// reached fails the start. The lifetime tells it READY=1 when the start is over, too late to fail it.
/// </summary>
internal sealed class LifetimeSupplement(ServiceNotifier notifier, IHostApplicationLifetime lifetime) : IHostedLifecycleService, IDisposable
{
    private readonly List<PosixSignalRegistration> signals = [];

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        notifier.ThrowIfUnreachable();
        foreach (PosixSignal signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGINT, PosixSignal.SIGQUIT])
        {
            signals.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                lifetime.StopApplication();
            }));
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        notifier.ThrowIfUnreachable();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose() => signals.ForEach(static signal => signal.Dispose());
}
