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
internal sealed class ServiceReport(Loop loop, ServiceManager manager, ISystemdNotifier notifier, RequestCounts counts)
{
    /// <summary>The least time between two texts of the status.</summary>
    private static readonly TimeSpan StatusPause = TimeSpan.FromSeconds(1);

    /// <summary>How long the service manager is asked to wait for a stop, again and again.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(20);

    /// <summary>
    /// How many signs of life fit into the time in which one must come. The daemon ends a job host that is silent and starts it anew itself,
    /// within half of that: only where it does not come back is all restarted, and all other jobs end.
    /// </summary>
    private const int SignsInTime = 6;

    private string told = "";
    private bool isScheduled, stopping, ended;

    /// <summary>Whether what the loop cannot tell of itself is well too, the job hosts; while it is not there is no sign of life.</summary>
    public Func<bool> IsHealthy { get; set; } = static () => true;

    /// <summary>Begins; on the loop.</summary>
    public void Start()
    {
        counts.Changed = Changed;
        Publish();
        if (manager.Watchdog is { } watchdog)
            Live(watchdog / SignsInTime);
    }

    /// <summary>The daemon stops, which may take longer than the service manager would wait by itself.</summary>
    public void Stop()
    {
        stopping = true;
        Changed();
        Extend();
    }

    /// <summary>It has stopped: no word more.</summary>
    public void End()
    {
        ended = true;
        counts.Changed = null;
    }

    private static string Jobs(int count) => count == 1 ? "1 job" : string.Create(CultureInfo.InvariantCulture, $"{count} jobs");

    private void Live(TimeSpan pause)
    {
        if (ended)
            return;
        if (IsHealthy())
            notifier.Notify(ServiceStates.Alive);
        loop.Schedule(pause, () => Live(pause));
    }

    private void Extend()
    {
        if (ended || !notifier.IsEnabled)
            return;
        notifier.Notify(ServiceStates.ExtendTimeout(StopPatience));
        loop.Schedule(StopPatience / 4, Extend);
    }

    /// <summary>Called with every request: no more than a look at a flag, mostly.</summary>
    private void Changed()
    {
        if (isScheduled || ended || !notifier.IsEnabled)
            return;
        isScheduled = true;
        loop.Schedule(StatusPause, Publish);
    }

    private void Publish()
    {
        isScheduled = false;
        if (ended)
            return;
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"{(stopping ? "stopping; " : "")}{Jobs(counts.Running)} running, {counts.Served} requests served, {counts.Refused} refused; "
            + $"longest loop turn {loop.TurnTimes.Longest * 1000:0.0} ms");
        if (text == told)
            return;
        told = text;
        notifier.Notify(ServiceStates.Status(text));
    }
}
