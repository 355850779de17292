using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>Makes the daemon a service of systemd, or of another supervisor that uses the same protocols.</summary>
internal static class ServiceManagerExtensions
{
    /// <summary>The maximum number of characters of a record that reach the console in one piece.</summary>
    private const int LongestLine = 32 * 1024;

    /// <summary>
    /// Takes what the service manager passes, reports the daemon's state to it, and logs to the journal if the journal reads stderr;
    /// otherwise to the console.
    /// </summary>
    /// <exception cref="Listening.ListenException">
    /// The service manager passed something other than one listening Unix stream socket, or its address is too long.
    /// </exception>
    /// <param name="services">The services.</param>
    /// <param name="taken">The listening socket of a former daemon, from which this one takes over; null for none.</param>
    public static IServiceCollection AddServiceManager(this IServiceCollection services, FileDescriptor? taken)
    {
        // Before the console, because the configuration of the console can select another formatter than this method does.
        services.AddSystemd();

        // The package adds these if the parent is systemd. The daemon always has the same lifetime: other supervisors also set
        // NOTIFY_SOCKET, and without it the notifier sends nothing. The daemon replaces the lifetimes that the builder and the package
        // added.
        services.RemoveAll<IHostLifetime>().AddSingleton<IHostLifetime, SystemdLifetime>();
        services.AddSingleton<ServiceNotifier>();
        services.RemoveAll<ISystemdNotifier>();
        services.AddSingleton<ISystemdNotifier>(static provider => provider.GetRequiredService<ServiceNotifier>());
        services.AddHostedService<LifetimeSupplement>();
        services.AddSingleton(ServiceManager.FromEnvironment(taken));
        return services.AddLogging(AddJournalOrConsole);
    }

    private static void AddJournalOrConsole(ILoggingBuilder logging)
    {
#pragma warning disable CA2000 // The process keeps the descriptor open until it exits.
        var stderr = new FileDescriptor(2);
#pragma warning restore CA2000
        if (JournalLoggerProvider.IsJournal(Environment.GetEnvironmentVariable("JOURNAL_STREAM"), stderr))
        {
            // The variable is for tests: only root can set the environment of a root daemon.
            string socket = Environment.GetEnvironmentVariable("PIPEFORKAS_JOURNAL_SOCKET") ?? JournalSocket.DefaultPath;
            logging.Services.AddSingleton<ILoggerProvider>(_ => new JournalLoggerProvider(socket, stderr));
            return;
        }

        // The console's own writer passes 256 bytes at a time: another process that writes to the same log, for example a job host, could
        // write into a line.
#pragma warning disable CA2000 // The receiver owns it, and closes it.
        Console.SetError(new StreamWriter(Console.OpenStandardError(), bufferSize: LongestLine) { AutoFlush = true });
#pragma warning restore CA2000
        logging.AddConsole();
        logging.Services.TryAddEnumerable(ServiceDescriptor.Singleton<ConsoleFormatter, LineFormatter>());
        logging.Services.PostConfigure<ConsoleLoggerOptions>(console =>
        {
            console.LogToStandardErrorThreshold = LogLevel.Trace;

            // The loop must not wait for a reader of stderr. The console drops records that find no room in the queue, and reports their
            // number.
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;

            // Of the framework's own formatters, only JSON prevents forged lines.
            if (console.FormatterName != ConsoleFormatterNames.Json)
                console.FormatterName = LineFormatter.FormatterName;
        });
    }
}
