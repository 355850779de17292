using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>Makes the daemon a service of systemd, or of another supervisor that speaks its protocols.</summary>
internal static class ServiceManagerExtensions
{
    /// <summary>Characters of a record that reach the console in one piece.</summary>
    private const int LongestLine = 32 * 1024;

    /// <summary>
    /// Takes what the service manager hands over, tells it the daemon's state, and logs to the journal where it reads stderr; else to the
    /// console.
    /// </summary>
    /// <exception cref="Listening.ListenException">
    /// What it hands over is not one listening Unix stream socket, or its address is too long.
    /// </exception>
    /// <param name="services">The services.</param>
    /// <param name="taken">The listening socket of a former daemon, from which this one takes over; null where there is none.</param>
    public static IServiceCollection AddServiceManager(this IServiceCollection services, FileDescriptor? taken)
    {
        // Before the console, whose configuration may name another formatter than this does.
        services.AddSystemd();

        // The package adds these where the parent is systemd. The daemon has one lifetime everywhere: other supervisors have a
        // NOTIFY_SOCKET too, and without one the notifier tells nobody. What the builder and the package put there goes.
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
#pragma warning disable CA2000 // The descriptor is the process's own, and stays open.
        var stderr = new FileDescriptor(2);
#pragma warning restore CA2000
        if (JournalLoggerProvider.IsJournal(Environment.GetEnvironmentVariable("JOURNAL_STREAM"), stderr))
        {
            // The variable is for tests: who sets a root daemon's environment is root.
            string socket = Environment.GetEnvironmentVariable("PIPEFORKAS_JOURNAL_SOCKET") ?? JournalSocket.DefaultPath;
            logging.Services.AddSingleton<ILoggerProvider>(_ => new JournalLoggerProvider(socket, stderr));
            return;
        }

        // The console's own writer passes 256 bytes at a time: another process that writes to the same log, as job hosts do, would write
        // into a line.
#pragma warning disable CA2000 // The receiver owns it, and closes it.
        Console.SetError(new StreamWriter(Console.OpenStandardError(), bufferSize: LongestLine) { AutoFlush = true });
#pragma warning restore CA2000
        logging.AddConsole();
        logging.Services.TryAddEnumerable(ServiceDescriptor.Singleton<ConsoleFormatter, LineFormatter>());
        logging.Services.PostConfigure<ConsoleLoggerOptions>(console =>
        {
            console.LogToStandardErrorThreshold = LogLevel.Trace;

            // The loop must not wait until somebody reads stderr. What finds no room in the queue is dropped, and the console says how
            // much.
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;

            // Of the framework's own formatters JSON alone lets nobody forge a line.
            if (console.FormatterName != ConsoleFormatterNames.Json)
                console.FormatterName = LineFormatter.FormatterName;
        });
    }
}
