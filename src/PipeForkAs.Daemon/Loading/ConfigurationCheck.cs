using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Loading;

/// <summary>Checks a configuration with the code of the start: finds what would make a start fail.</summary>
internal static class ConfigurationCheck
{
    /// <summary>Checks a configuration.</summary>
    /// <param name="options">The configuration.</param>
    /// <param name="lookUps">Looks up the names that the rules of the policy use.</param>
    /// <param name="withHosts">Whether to start the job hosts, to read their jobs.</param>
    /// <returns>Warnings, which a start would log.</returns>
    /// <exception cref="ConfigurationException">A start would reject the configuration.</exception>
    /// <exception cref="JobHostException">A job host cannot serve.</exception>
    public static async Task<IReadOnlyList<string>> RunAsync(DaemonOptions options, NameLookUps lookUps, bool withHosts)
    {
        ResolvedPolicy policy = await ResolvedPolicy.ReadAsync(options, lookUps);
        List<string> warnings =
            [.. policy.Problems.Select(problem => UntrustedText.Escape(options.Sources.Line(problem.Key, problem.Text)))];

        // systemd creates the folder of the default socket, for the socket unit or the service.
        if (options.Socket.Path != ClientProtocol.DefaultSocketPath && SocketListener.PathProblem(options.Socket.Path) is { } path)
            throw new ConfigurationException("Socket:Path", path);
        if (!withHosts)
            return warnings;
        if (Libc.geteuid() != UserId.Root)
        {
            warnings.Add("only root can start the job hosts, so their jobs were not checked against the configuration");
            return warnings;
        }

        JobDescription[] jobs = await HostInspection.JobsAsync(options);
        warnings.AddRange(
            PolicyWarnings.Of(policy.Policy, jobs).Select(
                warning => UntrustedText.Escape($"policy warning: {warning}")));
        return warnings;
    }
}
