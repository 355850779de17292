using System.Globalization;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging.Console;
using PipeForkAs.Files.Endpoints;
using PipeForkAs.Files.Jobs;
using PipeForkAs.Files.Pages;
using PipeForkAs.Files.Sessions;
using PipeForkAs.Files.Settings;

namespace PipeForkAs.Files;

/// <summary>Puts the parts of the page together.</summary>
internal static class FilesPage
{
    private const int SmallBody = 256 * 1024;

    /// <summary>Builds the page; nothing of its environment changes it, except the sockets that systemd passes and the daemon's socket.
    /// </summary>
    public static WebApplication Build(FilesOptions options)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddConsole(console => console.FormatterName = ConsoleFormatterNames.Systemd)
            .SetMinimumLevel(LogLevel.Information)
            .AddFilter("Microsoft", LogLevel.Warning)
            .AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Information);
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel, options));
        // AddSystemd() would look for systemd among the processes of others, which ProtectProc= hides.
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not null)
            builder.Services.AddSingleton<ISystemdNotifier, SystemdNotifier>().AddSingleton<IHostLifetime, SystemdLifetime>();
        builder.Services.AddRoutingCore().AddSingleton(TimeProvider.System).AddSingleton(options)
            .AddPipeForkAsClient(options.Socket)
            .AddSingleton(new Layout(options.Title)).AddSingleton<ListingMemory>().AddSingleton<FileJobs>().AddSingleton<SessionStore>()
            .AddSingleton<TicketEnding>().AddHostedService(services => services.GetRequiredService<TicketEnding>())
            .AddSingleton<Entrance>().AddSingleton<SignInEndpoints>();
        if (options.Proxy is { } proxy)
            builder.Services.AddSingleton(services => new ProxyPeer(proxy, services.GetRequiredService<ILogger<ProxyPeer>>()));
        WebApplication app = builder.Build();
        app.MapPage();
        return app;
    }

    private static void Configure(KestrelServerOptions kestrel, FilesOptions options)
    {
        kestrel.AddServerHeader = false;
        // A client that has not signed in can fill a buffer of each connection: together much less than MemoryMax= of the unit.
        kestrel.Limits.MaxConcurrentConnections = 1000;
        kestrel.Limits.MaxRequestBufferSize = 64 * 1024;
        kestrel.Limits.MaxRequestBodySize = SmallBody;
        kestrel.Limits.MaxResponseBufferSize = 64 * 1024;
        kestrel.Limits.MaxRequestHeaderCount = 64;
        kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
        kestrel.Limits.MaxRequestLineSize = 16 * 1024;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(90);
        // Variables of another process would leave the page without a socket, and Kestrel would choose one.
        if (Environment.GetEnvironmentVariable("LISTEN_PID") == Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
            kestrel.UseSystemd();
        else
            kestrel.Listen(options.Address);
    }
}
