using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Upgrading;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Hosting;

/// <summary>
/// Explains why the daemon does not start: one line for each problem, with file and key if the problem is in the configuration.
/// </summary>
internal static class StartFailure
{
    /// <summary>The exit code for failures that may be temporary. The service manager tries again.</summary>
    public const int ExitFailure = 1;

    /// <summary>
    /// The exit code EX_CONFIG of sysexits.h: the configuration must change first. The unit tells the service manager not to try again.
    /// </summary>
    public const int ExitConfiguration = 78;

    /// <summary>Writes the problems to stderr, and returns the exit code.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="options">The configuration; null if it could not be read.</param>
    /// <param name="predecessor">The former daemon, which receives the reason; null if there is none.</param>
    public static async Task<int> ReportAsync(Exception failure, DaemonOptions? options, Predecessor? predecessor = null)
    {
        (IReadOnlyList<string> lines, int exitCode) = Of(failure, options ?? new DaemonOptions());
        foreach (string line in lines)
            await Console.Error.WriteLineAsync($"pipeforkasd: {UntrustedText.Escape(line)}");
        predecessor?.Fail(string.Join('\n', lines));
        return exitCode;
    }

    private static (IReadOnlyList<string> Lines, int ExitCode) Of(Exception failure, DaemonOptions options) => failure switch
    {
        ConfigurationException refused => (refused.In(options.Sources).Problems, refused.MayPass ? ExitFailure : ExitConfiguration),
        JobHostException { Path: { } path } =>
            ([options.Sources.Line($"JobHosts:{IndexOf(options, path)}:Path", failure.Message)], ExitFailure),
        IsolationException => ([options.Sources.Line("Limits:Cgroup", failure.Message)], ExitFailure),
        ListenException { Key: { } key } => ([options.Sources.Line(key, failure.Message)], ExitFailure),
        ListenException or JobHostException or SystemCallException or UpgradeException => ([failure.Message], ExitFailure),
        _ => ([$"the daemon itself failed: {failure.GetType().Name}: {failure.Message}"], ExitFailure),
    };

    private static int IndexOf(DaemonOptions options, string path)
    {
        for (int i = 0; i < options.JobHosts.Count; i++)
        {
            if (options.JobHosts[i].Path == path)
                return i;
        }

        return 0;
    }
}
