using System.CommandLine;

using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Commands;

/// <summary>The path of the daemon's socket; every command has this option.</summary>
internal sealed class SocketOption : Option<string?>
{
    private readonly DaemonUidOption daemonUid;

    public SocketOption(DaemonUidOption daemonUid)
        : base("--socket")
    {
        this.daemonUid = daemonUid;
        Description = $"The daemon's socket. Default: ${ClientProtocol.SocketVariable}, else {ClientProtocol.DefaultSocketPath}";
        HelpName = "PATH";
        Recursive = true;
    }

    public PipeForkAsClient Client(ParseResult parsed) => new(parsed.GetValue(this)) { DaemonUid = daemonUid.Uid(parsed) };
}
