using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace PipeForkAs.Daemon.Systemd;

/// <summary>What Microsoft.Extensions.Hosting.Systemd would add, under its name.</summary>
internal static class SystemdExtensions
{
    /// <summary>Takes what the service manager hands over, tells it how the daemon is, and logs so that the journal knows each line's level; outside of systemd to the console.</summary>
    /// <exception cref="Listening.ListenException">What it hands over is not one listening Unix stream socket.</exception>
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
        services.AddSingleton(ServiceManager.FromEnvironment());
        services.AddSingleton<ServiceNotifier>();
        return services.AddHostedService(provider => provider.GetRequiredService<ServiceNotifier>());
    }
}
