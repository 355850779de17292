using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Systemd;

namespace PipeForkAs.Daemon.Reloading;

/// <summary>
/// Runs a reload step by step, after SIGHUP or a request on the socket. A reload applies everything or nothing, and each one has its own
/// result. Reloads run one after another. All steps run on the loop, except those that may block.
/// </summary>
/// <param name="reader">Reads and checks the configuration.</param>
/// <param name="target">Applies the configuration.</param>
/// <param name="notifier">Reports the beginning and the end of a reload to the service manager.</param>
/// <param name="logger">The log.</param>
internal sealed class Reload(Reloader reader, IReloadable target, ISystemdNotifier notifier, ILogger logger)
{
    private readonly TaskCompletionSource open = new();
    private readonly TaskCompletionSource closed = new();
    private Task last = Task.CompletedTask;

    /// <summary>Permits reloads when the start is complete.</summary>
    public void Open() => open.TrySetResult();

    /// <summary>Refuses all reloads from now on, including running and waiting ones, because the daemon is stopping.</summary>
    public void Close()
    {
        closed.TrySetResult();
        open.TrySetResult();
    }

    /// <summary>Reloads when the start is complete and all earlier reloads have ended. Never throws.</summary>
    public Task<ReloadResult> RunAsync()
    {
        Task<ReloadResult> mine = RunAsync(last);
        last = mine;
        return mine;
    }

    private async Task<ReloadResult> RunAsync(Task former)
    {
        await former;
        await open.Task;
        if (!closed.Task.IsCompleted)
            notifier.Notify(ServiceStates.Reloading());
        ReloadResult result = await ResultAsync();
        if (result.IsRefused)
            Log.EachReloadProblem(logger, result.Problems);
        else
            Log.Reloaded(logger, result.Changed.Count == 0 ? "nothing" : string.Join(", ", result.Changed));

        // Send this before the reply: when ExecReload= ends, the service manager must know that the reload is complete.
        if (!closed.Task.IsCompleted)
            notifier.Notify(ServiceState.Ready);
        return result;
    }

    private async Task<ReloadResult> ResultAsync()
    {
        try
        {
            Task<ReloadResult> steps = StepsAsync();
            await Task.WhenAny(steps, closed.Task);
            ThrowIfClosed();
            return await steps;
        }
        catch (ConfigurationException refused)
        {
            return ReloadResult.Refused(refused.Problems);
        }
#pragma warning disable CA1031 // The edge of a reload: after any failure the former configuration still applies, and the result says why.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return ReloadResult.Refused([failure.Message]);
        }
    }

    /// <summary>Runs the steps. If a step refuses the reload, it throws and changes nothing.</summary>
    private async Task<ReloadResult> StepsAsync()
    {
        // Upgrade: a new daemon reads the configuration itself.
        ThrowIfClosed();
        if (await target.UpgradeAsync() is { } upgrade)
            return ReloadResult.Of([upgrade]);

        // Read the files, and look up their names in the user database. Both may take long.
        ThrowIfClosed();
        Reloaded fresh = await Task.Run(reader.LoadAsync);
        ThrowIfClosed();

        // Apply the configuration: first the job hosts, because they may fail to start, and then everything else at once.
        try
        {
            IReadOnlyList<string> more = await target.ApplyAsync(fresh);
            fresh.Commit();
            return ReloadResult.Of([.. ChangedKeys.Summary(fresh.Changed), .. more]);
        }
        catch (ConfigurationException refused)
        {
            throw refused.In(fresh.Options.Sources);
        }
    }

    private void ThrowIfClosed()
    {
        if (closed.Task.IsCompleted)
            throw new ConfigurationException("the daemon is stopping");
    }
}
