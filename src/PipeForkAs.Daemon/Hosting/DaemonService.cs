using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Reloading;
using PipeForkAs.Daemon.Systemd;
using PipeForkAs.Daemon.Upgrading;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Hosting;

/// <summary>
/// Runs the event loop as a service of the generic host. The service has started when the socket listens, and has stopped when all requests
/// have ended.
/// </summary>
internal sealed class DaemonService(
    DaemonOptions options, Reloader reloader, ServiceManager manager, ISystemdNotifier notifier, Upgrade upgrade, TimeProvider time,
    ILoggerFactory loggers)
    : BackgroundService
{
    /// <summary>The category of the log. Administrators filter by it, so it does not follow the folder of this class.</summary>
    private const string Category = "PipeForkAs.Daemon.DaemonService";

    private readonly ILogger logger = loggers.CreateLogger(Category);
    private readonly TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource loopEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <inheritdoc/>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await base.StartAsync(cancellationToken);
        try
        {
            await started.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The generic host does not stop a service whose start was interrupted.
            await StopAsync(CancellationToken.None);
            throw;
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await ServeAsync(stoppingToken);
        }
        catch (Exception failure)
        {
            started.TrySetException(failure);
            throw;
        }
    }

    private async Task ServeAsync(CancellationToken stoppingToken)
    {
        PrepareProcess();
        using var limited = new LimitedLogger(logger, time);
        using var own = new Loop(time, failure => Log.LoopBroke(limited, failure), LogLongTurn);
        ILogger auditing = loggers.CreateLogger(Audit.Category);
        var parts = new DaemonParts(new DaemonContext(own, options, reloader, upgrade, manager, notifier, limited, auditing));

        // The runtime has its own SIGCHLD handler. It reaps only children that Process started, and the daemon starts none that way.
        using PosixSignalRegistration childEnded = PosixSignalRegistration.Create(
            PosixSignal.SIGCHLD, _ => parts.Reaper.ChildEnded(own));
        using PosixSignalRegistration reload = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            signal.Cancel = true;
            own.Post(_ => own.Start(parts.ReloadAsync), null);
        });
        var thread = new Thread(() => RunLoop(own)) { Name = "event loop", IsBackground = true };
        thread.Start();
        own.Post(_ => Start(own, parts.Lifecycle), null);
        using CancellationTokenRegistration stopping = stoppingToken.Register(() => own.Post(_ => Stop(own, parts.Lifecycle), null));
        await loopEnded.Task;
        thread.Join();
    }

    private void LogLongTurn(LongTurn turn) => Log.LongTurn(
        logger, turn.Took.TotalMilliseconds, turn.OnProcessor.TotalMilliseconds, turn.Collections, turn.Steps,
        turn.LongestStep.TotalMilliseconds, turn.What, turn.Unreported);

    private void RunLoop(Loop loop)
    {
        try
        {
            loop.Run();
            loopEnded.TrySetResult();
        }
#pragma warning disable CA1031 // The edge of the thread: any failure of it makes the service fail.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.LoopDied(logger, failure);
            started.TrySetException(failure);
            loopEnded.TrySetException(failure);
        }
    }

    private async void Start(Loop loop, Lifecycle lifecycle)
    {
        try
        {
            await lifecycle.StartAsync();
            started.TrySetResult();
        }
#pragma warning disable CA1031 // Any failure makes the start fail, and the code that started the daemon gets it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            try
            {
                await lifecycle.StopAsync();
            }
            finally
            {
                started.TrySetException(failure);
                loop.Stop();
            }
        }
    }

    private async void Stop(Loop loop, Lifecycle lifecycle)
    {
        try
        {
            await lifecycle.StopAsync();
        }
#pragma warning disable CA1031 // Any failure ends the loop, and the log contains it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.LoopBroke(logger, failure);
        }
        finally
        {
            loop.Stop();
        }
    }

    private void PrepareProcess()
    {
        // If a peer or a job closes its end, the call fails with an error. The signal must not end the process.
        Libc.signal_ignore(Signal.SIGPIPE);
        Libc.prctl_set_child_subreaper(true);

        (ulong soft, ulong hard) = Libc.getrlimit(ResourceLimit.RLIMIT_NOFILE);
        if (soft < hard)
            Libc.setrlimit(ResourceLimit.RLIMIT_NOFILE, hard, hard);
        int workers = options.JobHosts.Sum(host => host.MostWorkers);
        int reserve = options.Limits.RootReserve;
        ulong wanted = (ulong)(options.Limits.MaxConnections + reserve + (10 * (options.Limits.MaxJobs + reserve)) + (4 * workers) + 64);

        // A password that arrives has a pipe.
        if (options.Policy.SignIn.PamService is not null)
            wanted += 2 * (ulong)(options.Limits.MaxConnections + reserve);
        if (hard < wanted)
            Log.FewDescriptors(logger, wanted, hard);
    }
}
