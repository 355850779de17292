using System.CommandLine;

using PipeForkAs.Cli.Replies;

namespace PipeForkAs.Cli.Commands;

/// <summary>Ends a ticket.</summary>
internal sealed class SignOutCommand : Command
{
    private readonly SocketOption socket;

    public SignOutCommand(SocketOption socket)
        : base("sign-out", $"Ends the ticket in the environment variable {TicketVariable.Name}.")
    {
        this.socket = socket;
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string ticket = TicketVariable.Value
            ?? throw new RequestException($"no ticket is set; set the environment variable {TicketVariable.Name}");
        await socket.Client(parsed).SignOutAsync(ticket, cancellation);
        return ExitStatus.Success;
    }
}
