using System.CommandLine;

using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Commands;

/// <summary>Which daemon to ask; every command has it.</summary>
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
