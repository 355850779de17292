using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>What Microsoft.Extensions.Hosting.Systemd would add, under its name.</summary>
internal static class SystemdExtensions
{
    /// <summary>Tells the service manager of start and stop, and logs so that the journal knows each line's level; outside of systemd to the console.</summary>
    public static IServiceCollection AddSystemd(this IServiceCollection services)
    {
        bool toJournal = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("JOURNAL_STREAM"));
        services.AddLogging(logging =>
        {
            if (toJournal)
                logging.AddSystemdConsole();
            else
                logging.AddSimpleConsole(console => console.SingleLine = true);
        });
        services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        services.AddSingleton<ServiceNotifier>();
        return services.AddHostedService(provider => provider.GetRequiredService<ServiceNotifier>());
    }
}
