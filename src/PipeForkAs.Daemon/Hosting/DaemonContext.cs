using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Reloading;
using PipeForkAs.Daemon.Systemd;
using PipeForkAs.Daemon.Upgrading;

namespace PipeForkAs.Daemon.Hosting;

/// <summary>The parts that the generic host gives to the daemon.</summary>
/// <param name="Loop">The loop.</param>
/// <param name="Options">The configuration at the start.</param>
/// <param name="Reader">Reads the configuration for a reload.</param>
/// <param name="Upgrade">Lets a new daemon take over from this one, and this one from a former one.</param>
/// <param name="Manager">The service manager.</param>
/// <param name="Notifier">Sends messages to the service manager.</param>
/// <param name="Logger">The log.</param>
/// <param name="AuditLogger">The log for requests.</param>
internal sealed record DaemonContext(
    Loop Loop, DaemonOptions Options, Reloader Reader, Upgrade Upgrade, ServiceManager Manager, ISystemdNotifier Notifier,
    LimitedLogger Logger, ILogger AuditLogger);
