using System.Globalization;
using Microsoft.Extensions.Hosting.Systemd;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Systemd;

namespace PipeForkAs.Daemon.Hosting;

/// <summary>
/// Sends the state of the running daemon to the service manager, from timers of the loop. If the loop is blocked, the messages stop and the
/// service manager restarts the daemon.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="manager">The service manager.</param>
/// <param name="notifier">Sends messages to the service manager.</param>
/// <param name="counts">The counts of requests for the status text.</param>
/// <param name="isHealthy">Returns whether the job hosts answer. While they do not, the daemon sends no sign of life.</param>
internal sealed class ServiceReport(
    Loop loop, ServiceManager manager, ISystemdNotifier notifier, RequestCounts counts, Func<bool> isHealthy)
{
    /// <summary>The shortest time between two status texts.</summary>
    private static readonly TimeSpan StatusPause = TimeSpan.FromSeconds(1);

    /// <summary>The time by which each message extends the stop timeout of the service manager.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(20);

    /// <summary>
    /// The number of signs of life within the watchdog timeout. The daemon itself ends a silent job host and starts it again within half of
    /// this timeout. Only if the job host does not recover, the service manager restarts the daemon, and all other jobs end.
    /// </summary>
    private const int SignsInTime = 6;

    private string told = "";
    private bool isScheduled;
    private Stage stage;

    private enum Stage
    {
        New,
        Serving,
        Stopping,
        Ended,
    }

    /// <summary>Starts to report. Called on the loop.</summary>
    public void Start()
    {
        stage = Stage.Serving;
        Publish();
        if (manager.Watchdog is { } watchdog)
            Live(watchdog / SignsInTime);
    }

    /// <summary>Reports that the daemon is stopping. A stop may exceed the default stop timeout of the service manager.</summary>
    public void Stop()
    {
        stage = Stage.Stopping;
        Refresh();
        Extend();
    }

    /// <summary>Stops all reports after the daemon has stopped.</summary>
    public void End() => stage = Stage.Ended;

    /// <summary>Schedules a report after the counts changed. Called for every request; usually it only checks a flag.</summary>
    public void Refresh()
    {
        if (isScheduled || stage is Stage.New or Stage.Ended || !notifier.IsEnabled)
            return;
        isScheduled = true;
#pragma warning disable CA2000 // The timer must fire and is never cancelled.
        loop.Schedule(StatusPause, Publish);
#pragma warning restore CA2000
    }

    private static string Jobs(int count) => count == 1 ? "1 job" : string.Create(CultureInfo.InvariantCulture, $"{count} jobs");

    private void Live(TimeSpan pause)
    {
        if (stage == Stage.Ended)
            return;
        if (isHealthy())
            notifier.Notify(ServiceStates.Alive);
#pragma warning disable CA2000 // The timer must fire and is never cancelled.
        loop.Schedule(pause, () => Live(pause));
#pragma warning restore CA2000
    }

    private void Extend()
    {
        if (stage == Stage.Ended || !notifier.IsEnabled)
            return;
        notifier.Notify(ServiceStates.ExtendTimeout(StopPatience));
#pragma warning disable CA2000 // The timer must fire and is never cancelled.
        loop.Schedule(StopPatience / 4, Extend);
#pragma warning restore CA2000
    }

    private void Publish()
    {
        isScheduled = false;
        if (stage == Stage.Ended)
            return;
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"{(stage == Stage.Stopping ? "stopping; " : "")}{Jobs(counts.Running)} running, {counts.Served} requests "
            + $"served, {counts.Refused} refused; "
            + $"longest loop turn {loop.TurnTimes.Longest * 1000:0.0} ms");
        if (text == told)
            return;
        told = text;
        notifier.Notify(ServiceStates.Status(text));
    }
}
