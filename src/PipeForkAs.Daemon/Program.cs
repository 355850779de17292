using System.CommandLine;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Accounts;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Hosting;
using PipeForkAs.Daemon.Loading;
using PipeForkAs.Daemon.Reloading;
using PipeForkAs.Daemon.Systemd;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.Daemon.Upgrading;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;

// Before anything else opens a file.
StandardStreams.Occupy();

// The daemon's own questions to PAM, in a process of their own.
if (args is [PamCheck.Argument, var service, var account])
    return PamCheck.Run(service, account);

if (args is [PasswordCheck.Argument, var passwordService])
    return PasswordCheck.Run(passwordService);

if (args is [SuccessorLauncher.Argument, var successor, .. var successorArguments])
    return SuccessorLauncher.Run(successor, successorArguments);

if (args is [ReleasingProcess.Argument])
    return ReleasingProcess.Run();

bool takesOver = args is [Predecessor.Argument, ..];
if (OwnName.IsMissing)
{
    await Console.Error.WriteLineAsync($"pipeforkasd: {OwnName.Problem}");
    return StartFailure.ExitFailure;
}

var config = new Option<string?>("--config")
{
    Description = "Read only this file, instead of /etc/pipeforkas/pipeforkas.json and /etc/pipeforkas/conf.d/*.json",
    HelpName = "FILE",
};
var checkConfig = new Option<bool>("--check-config")
{
    Description = "Check the configuration and exit; starts the job hosts to read their jobs",
};
var noHosts = new Option<bool>("--no-hosts") { Description = "With --check-config: do not start the job hosts" };
var reload = new Option<bool>("--reload") { Description = "Make the running daemon reload, wait, and exit with the result" };
var command = new RootCommand("Runs registered jobs as users, in forked workers.") { config, checkConfig, noHosts, reload };
command.SetAction((arguments, cancellation) => (arguments.GetValue(reload), arguments.GetValue(checkConfig)) switch
{
    (true, _) => Task.FromResult(ReloadCommand.Run(arguments.GetValue(config))),
    (_, true) => CheckAsync(arguments.GetValue(config), withHosts: !arguments.GetValue(noHosts)),
    _ => RunAsync(arguments.GetValue(config), takesOver, cancellation),
});
return await command.Parse(takesOver ? args[1..] : args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });

static async Task<int> CheckAsync(string? file, bool withHosts)
{
    LoadedConfiguration? loaded = null;
    try
    {
        IReadOnlyList<string> files = ConfigurationFiles.Find(file);
        loaded = ConfigurationFiles.Load(files);
        foreach (string warning in await ConfigurationCheck.RunAsync(loaded.Options, new NameLookUps(SystemNames.Instance), withHosts))
            await Console.Error.WriteLineAsync($"pipeforkasd: warning: {warning}");
        await Console.Out.WriteLineAsync(
            files.Count == 0 ? "no configuration file; the defaults are valid" : $"{string.Join(", ", files)}: valid");
        return 0;
    }
#pragma warning disable CA1031 // The edge of the check: reports every failure in one line.
    catch (Exception failure)
#pragma warning restore CA1031
    {
        return await StartFailure.ReportAsync(failure, loaded?.Options);
    }
}

static async Task<int> RunAsync(string? file, bool takesOver, CancellationToken cancellation)
{
    LoadedConfiguration? loaded = null;
    Predecessor? predecessor = null;
    try
    {
        predecessor = takesOver ? Predecessor.Connect() : null;
        loaded = ConfigurationFiles.Load(ConfigurationFiles.Find(file));
        if (Libc.geteuid() != UserId.Root)
        {
            await Console.Error.WriteLineAsync("pipeforkasd: not running as root; start it as root, so that it can run jobs as users");
            return StartFailure.ExitFailure;
        }

        using IHost host = Build(loaded.Options, loaded.Root, file, predecessor);
        DaemonService service = host.Services.GetServices<IHostedService>().OfType<DaemonService>().Single();
        try
        {
            await host.RunAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            return 0; // A stop that came before the start was done.
        }

        // The host ends well also where its service did not.
        return service.ExecuteTask is { IsFaulted: true } ? StartFailure.ExitFailure : 0;
    }
#pragma warning disable CA1031 // The edge of the program: reports every failure in one line.
    catch (Exception failure)
#pragma warning restore CA1031
    {
        return await StartFailure.ReportAsync(failure, loaded?.Options, predecessor);
    }
}

static IHost Build(DaemonOptions options, IConfigurationRoot root, string? file, Predecessor? predecessor)
{
    // Nothing from the working directory or the environment: only the files that were checked.
    HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
    builder.Logging.AddFilter(Audit.Category, LogLevel.Trace);
    builder.Logging.AddConfiguration(root.GetSection("Logging"));
    builder.Logging.AddFilter("Microsoft", LogLevel.Warning);

    // One line above reports why the start failed; the generic host would report it again, with its stack trace.
    builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
    builder.Services.AddServiceManager(predecessor?.Socket);
    var executable = OwnExecutable.Find();
    builder.Services.AddSingleton(provider => new Upgrade(
        executable, predecessor, provider.GetRequiredService<ServiceNotifier>(), provider.GetRequiredService<IHostApplicationLifetime>()));

    // A stop has deadlines of its own, which a reload may change.
    builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan);
    builder.Services.AddSingleton(options);
    builder.Services.AddSingleton(new Reloader(file, root, new NameLookUps(SystemNames.Instance)));
    builder.Services.AddSingleton(TimeProvider.System);
    builder.Services.AddHostedService<DaemonService>();
    return builder.Build();
}
