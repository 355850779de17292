using System.Globalization;
using Microsoft.Extensions.Hosting.Systemd;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Systemd;

namespace PipeForkAs.Daemon.Hosting;

/// <summary>
/// What the daemon goes on telling the service manager while it runs, from the loop's own timers: so a loop that is stuck says nothing
/// any more, and is restarted.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="manager">The service manager.</param>
/// <param name="notifier">Sends to it.</param>
/// <param name="counts">What the status says of requests.</param>
/// <param name="isHealthy">Whether the job hosts answer, too; while they do not there is no sign of life.</param>
internal sealed class ServiceReport(
    Loop loop, ServiceManager manager, ISystemdNotifier notifier, RequestCounts counts, Func<bool> isHealthy)
{
    /// <summary>The least time between two texts of the status.</summary>
    private static readonly TimeSpan StatusPause = TimeSpan.FromSeconds(1);

    /// <summary>How long the service manager is asked to wait for a stop, again and again.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(20);

    /// <summary>
    /// How many signs of life fit into the time in which one must come. The daemon ends a job host that is silent and starts it anew
    /// itself, within half of that: only where it does not come back is all restarted, and all other jobs end.
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

    /// <summary>Begins; on the loop.</summary>
    public void Start()
    {
        stage = Stage.Serving;
        Publish();
        if (manager.Watchdog is { } watchdog)
            Live(watchdog / SignsInTime);
    }

    /// <summary>The daemon stops, which may take longer than the service manager would wait by itself.</summary>
    public void Stop()
    {
        stage = Stage.Stopping;
        Refresh();
        Extend();
    }

    /// <summary>It has stopped: no word more.</summary>
    public void End() => stage = Stage.Ended;

    /// <summary>The counts changed. Called with every request: no more than a look at a flag, mostly.</summary>
    public void Refresh()
    {
        if (isScheduled || stage is Stage.New or Stage.Ended || !notifier.IsEnabled)
            return;
        isScheduled = true;
#pragma warning disable CA2000 // The timer is to fire, and is not kept to cancel it.
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
#pragma warning disable CA2000 // The timer is to fire, and is not kept to cancel it.
        loop.Schedule(pause, () => Live(pause));
#pragma warning restore CA2000
    }

    private void Extend()
    {
        if (stage == Stage.Ended || !notifier.IsEnabled)
            return;
        notifier.Notify(ServiceStates.ExtendTimeout(StopPatience));
#pragma warning disable CA2000 // The timer is to fire, and is not kept to cancel it.
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
