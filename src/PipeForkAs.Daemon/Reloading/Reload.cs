using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Systemd;

namespace PipeForkAs.Daemon.Reloading;

/// <summary>
/// A reload, step by step, whoever asks for it (SIGHUP, or a request on the socket). It is all or nothing, and each one has a result of its
/// own. One reload runs after another. All of it is on the loop, except for what may block.
/// </summary>
/// <param name="reader">Reads and checks the configuration.</param>
/// <param name="target">Takes the configuration over.</param>
/// <param name="notifier">The service manager, which learns when a reload begins and ends.</param>
/// <param name="logger">The log.</param>
internal sealed class Reload(Reloader reader, IReloadable target, ISystemdNotifier notifier, ILogger logger)
{
    private readonly TaskCompletionSource open = new();
    private readonly TaskCompletionSource closed = new();
    private Task last = Task.CompletedTask;

    /// <summary>The start is complete: reloads run from now on.</summary>
    public void Open() => open.TrySetResult();

    /// <summary>The daemon is stopping: reloads are refused from now on, also those that are running or waiting.</summary>
    public void Close()
    {
        closed.TrySetResult();
        open.TrySetResult();
    }

    /// <summary>Reloads after the start is complete and earlier reloads have ended. Never fails.</summary>
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

        // Before the reply: when ExecReload= ends, the service manager must know that the reload is over.
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
#pragma warning disable CA1031 // The edge of a reload: whatever it is, the former configuration still applies, and the result says why.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return ReloadResult.Refused([failure.Message]);
        }
    }

    /// <summary>The steps. Each one throws where the reload is refused, and leaves everything as it was.</summary>
    private async Task<ReloadResult> StepsAsync()
    {
        // Upgrade: a new daemon reads the configuration itself.
        ThrowIfClosed();
        if (await target.UpgradeAsync() is { } upgrade)
            return ReloadResult.Of([upgrade]);

        // Read: the files, and the user database for the names in them. Both may take long.
        ThrowIfClosed();
        Reloaded fresh = await Task.Run(reader.LoadAsync);
        ThrowIfClosed();

        // Take over: job hosts first, since they may fail to start, and then everything else at once.
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
