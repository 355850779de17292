using System.CommandLine;

using PipeForkAs.Cli.Replies;
using PipeForkAs.Cli.Terminal;

namespace PipeForkAs.Cli.Commands;

/// <summary>Connects the standard streams to the daemon's socket.</summary>
internal sealed class DialCommand : Command
{
    private readonly SocketOption socket;

    public DialCommand(SocketOption socket, StreamSet streams, Report report)
        : base("dial", "Connects standard input and output to the daemon of this machine, for clients that come by ssh.")
    {
        this.socket = socket;
        Validators.Add(result =>
        {
            if (!string.IsNullOrEmpty(result.GetValue(socket.HostOption)))
                result.AddError("dial connects to the daemon of this machine; --host cannot be combined with it");
        });
        SetAction(parsed => Dial.Execute(ReadOptions(parsed), streams, report));
    }

    /// <summary>Returns what a line without errors says.</summary>
    public DialOptions ReadOptions(ParseResult parsed) => new(parsed.GetValue(socket), socket.DaemonUid(parsed));
}
