using System.CommandLine;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon;
using PipeForkAs.Daemon.Accounts;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Reloading;
using PipeForkAs.Daemon.Systemd;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.Daemon.Upgrading;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;

const int ExitFailure = 1;
const int ExitConfiguration = 78; // EX_CONFIG of sysexits.h

// Before anything else opens a file.
StandardStreams.Occupy();

// The daemon's own question to PAM, in a process of its own.
if (args is [PamCheck.Argument, var service, var account])
    return PamCheck.Run(service, account);

if (args is [SuccessorLauncher.Argument, var successor, .. var successorArguments])
    return SuccessorLauncher.Run(successor, successorArguments);

if (args is [ReleasingProcess.Argument])
    return ReleasingProcess.Run();

bool takesOver = args is [Predecessor.Argument, ..];
if (OwnName.IsMissing)
{
    await Console.Error.WriteLineAsync($"pipeforkasd: {OwnName.Problem}");
    return ExitFailure;
}

var config = new Option<string?>("--config")
{
    Description = "Read this file alone, instead of /etc/pipeforkas/pipeforkas.json and /etc/pipeforkas/conf.d/*.json",
    HelpName = "FILE",
};
var checkConfig = new Option<bool>("--check-config") { Description = "Check the configuration and end" };
var reload = new Option<bool>("--reload") { Description = "Have the running daemon reload, wait for the result, and end with it" };
var command = new RootCommand("Runs registered jobs as users, in forked workers.") { config, checkConfig, reload };
command.SetAction((arguments, cancellation) => arguments.GetValue(reload)
    ? Task.FromResult(ReloadCommand.Run(arguments.GetValue(config)))
    : RunAsync(arguments.GetValue(config), arguments.GetValue(checkConfig), takesOver, cancellation));
return await command.Parse(takesOver ? args[1..] : args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });

static async Task<int> RunAsync(string? file, bool onlyCheck, bool takesOver, CancellationToken cancellation)
{
    Predecessor? predecessor = null;
    try
    {
        predecessor = takesOver ? Predecessor.Meet() : null;
        IReadOnlyList<string> files = ConfigurationFiles.Find(file);
        (DaemonOptions options, IConfigurationRoot root) = ConfigurationFiles.Load(files);
        if (onlyCheck)
        {
            await Console.Out.WriteLineAsync(files.Count == 0 ? "no configuration file; the defaults are fine" : $"{string.Join(", ", files)}: fine");
            return 0;
        }

        if (Libc.geteuid() != UserId.Root)
        {
            await Console.Error.WriteLineAsync("pipeforkasd: it must run as root, or it could not become its users");
            return ExitFailure;
        }

        using IHost host = Build(options, root, file, predecessor);
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
        return service.ExecuteTask is { IsFaulted: true } ? ExitFailure : 0;
    }
    catch (ConfigurationException refused)
    {
        foreach (string problem in refused.Problems)
            await Console.Error.WriteLineAsync($"pipeforkasd: {problem}");
        predecessor?.Fail(string.Join('\n', refused.Problems));
        return ExitConfiguration;
    }
    catch (Exception failure) when (failure is JobHostException or IsolationException or ListenException or SystemCallException or UpgradeException)
    {
        await Console.Error.WriteLineAsync($"pipeforkasd: {failure.Message}");
        predecessor?.Fail(failure.Message);
        return ExitFailure;
    }
}

static IHost Build(DaemonOptions options, IConfigurationRoot root, string? file, Predecessor? predecessor)
{
    // Nothing from the working directory or the environment: only the files that were checked.
    HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
    builder.Logging.AddFilter(Audit.Category, LogLevel.Trace);
    builder.Logging.AddConfiguration(root.GetSection("Logging"));
    builder.Logging.AddFilter("Microsoft", LogLevel.Warning);

    // Why a start failed is told in one line, above; the generic host would tell it a second time, with its stack.
    builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
    builder.Services.AddServiceManager(predecessor?.Socket);
    var executable = OwnExecutable.Find();
    builder.Services.AddSingleton(provider => new Upgrade(
        executable, predecessor, provider.GetRequiredService<ServiceNotifier>(), provider.GetRequiredService<IHostApplicationLifetime>()));

    // A stop has deadlines of its own, which a reload may change.
    builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan);
    builder.Services.AddSingleton(options);
    builder.Services.AddSingleton(new Reloader(file, root));
    builder.Services.AddSingleton(TimeProvider.System);
    builder.Services.AddHostedService<DaemonService>();
    return builder.Build();
}
