using System.CommandLine;

using PipeForkAs.Client.Exchanges;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Commands;

/// <summary>The host of the daemon; every command has this option.</summary>
internal sealed class HostOption : Option<string?>
{
    public HostOption()
        : base("--host", "-H")
    {
        Description = $"The daemon's host, by ssh. Default: ${SshHost.Variable}, else this machine";
        HelpName = "[USER@]HOST[:PORT]";
        Recursive = true;
        Validators.Add(result =>
        {
            if (Problem(result.GetValueOrDefault<string?>()) is { } problem)
                result.AddError(problem);
        });
    }

    /// <summary>Whether a value of the option is a host, or empty for this machine.</summary>
    public static bool IsValid(string? word) => Problem(word) is null;

    /// <summary>Chooses the address of the daemon.</summary>
    /// <param name="host">The value of the option; null for the environment.</param>
    /// <param name="socket">The value of <c>--socket</c>.</param>
    /// <param name="daemonUid">The value of <c>--daemon-uid</c>.</param>
    /// <exception cref="RequestException">The environment does not name a host, or the path cannot be passed to one.</exception>
    public static DaemonAddress Address(string? host, string? socket, uint? daemonUid)
    {
        try
        {
            return DaemonAddress.Choose(host, socket, daemonUid);
        }
        catch (FormatException failure)
        {
            throw new RequestException(failure.Message);
        }
    }

    private static string? Problem(string? word)
    {
        try
        {
            if (!string.IsNullOrEmpty(word))
                _ = SshHost.Parse(word);
            return null;
        }
        catch (FormatException failure)
        {
            return failure.Message;
        }
    }
}
