using System.CommandLine;

using PipeForkAs.Cli.Exchanges;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Commands;

/// <summary>The path of the daemon's socket; every command has this option.</summary>
internal sealed class SocketOption : Option<string?>
{
    private readonly DaemonUidOption daemonUid;

    public SocketOption(DaemonUidOption daemonUid, HostOption host)
        : base("--socket")
    {
        this.daemonUid = daemonUid;
        HostOption = host;
        Description = $"The daemon's socket. Default: ${ClientProtocol.SocketVariable}, else {ClientProtocol.DefaultSocketPath}";
        HelpName = "PATH";
        Recursive = true;
    }

    /// <summary>The option for the host.</summary>
    public HostOption HostOption { get; }

    /// <summary>A client for the daemon that the line names; its tasks are complete when they are returned.</summary>
    public PipeForkAsClient Client(ParseResult parsed) =>
        new(HostOption.Address(Host(parsed), parsed.GetValue(this), DaemonUid(parsed)), new SingleThreadExchanger());

    /// <summary>The host that the line names; null if it names none, empty for this machine.</summary>
    public string? Host(ParseResult parsed) => parsed.GetValue(HostOption);

    /// <summary>The uid of the process that must listen at the socket; null for any.</summary>
    public uint? DaemonUid(ParseResult parsed) => daemonUid.Uid(parsed);
}
