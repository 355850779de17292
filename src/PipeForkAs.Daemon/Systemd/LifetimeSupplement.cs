using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>
/// Adds to <see cref="SystemdLifetime"/>: SIGINT and SIGQUIT stop the daemon like SIGTERM, and the start fails if the service manager
/// cannot be reached. The lifetime sends READY=1 after the start, which is too late to make it fail.
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
