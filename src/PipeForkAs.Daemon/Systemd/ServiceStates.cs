using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Hosting.Systemd;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>
/// The states of sd_notify(3) that the daemon sends, in addition to <see cref="ServiceState.Ready"/> and
/// <see cref="ServiceState.Stopping"/>.
/// </summary>
internal static class ServiceStates
{
    /// <summary>The variable of a sign of life.</summary>
    public const string WatchdogVariable = "WATCHDOG";

    /// <summary>The daemon is not hung.</summary>
    public static readonly ServiceState Alive = new($"{WatchdogVariable}=1");

    /// <summary>
    /// The daemon began to read its configuration again at this time: CLOCK_MONOTONIC, the clock of the framework's timestamps on Linux.
    /// </summary>
    public static ServiceState Reloading() => new($"RELOADING=1\nMONOTONIC_USEC={Microseconds(Stopwatch.GetElapsedTime(0))}");

    /// <summary>What the daemon does, in one line for <c>systemctl status</c>.</summary>
    public static ServiceState Status(string text) => new($"STATUS={text}");

    /// <summary>The daemon requests this much time from now, to start or to stop.</summary>
    public static ServiceState ExtendTimeout(TimeSpan time) => new($"EXTEND_TIMEOUT_USEC={Microseconds(time)}");

    private static string Microseconds(TimeSpan time) => (time.Ticks / TimeSpan.TicksPerMicrosecond).ToString(CultureInfo.InvariantCulture);
}
