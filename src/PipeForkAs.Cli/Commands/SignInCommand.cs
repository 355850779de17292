using System.CommandLine;
using System.Text.Json;

using PipeForkAs.Cli.Exchanges;
using PipeForkAs.Cli.Replies;
using PipeForkAs.Cli.Terminal;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Commands;

/// <summary>Signs a user in and writes the ticket.</summary>
internal sealed class SignInCommand : Command
{
    private readonly Argument<string> user = new("USER") { Description = "The user's name" };
    private readonly Option<bool> json = new("--json") { Description = "Write one JSON object" };
    private readonly SocketOption socket;
    private readonly StreamSet streams;

    public SignInCommand(SocketOption socket, StreamSet streams)
        : base("sign-in", "Signs a user in: reads the password from standard input, and writes a ticket.")
    {
        this.socket = socket;
        this.streams = streams;
        Add(user);
        Add(json);
        SetAction(Run);
    }

    private int Run(ParseResult parsed)
    {
        if (Libc.isatty(streams.Input))
            throw new RequestException("the password is read from standard input; use: systemd-ask-password | pipeforkas sign-in USER");
        PipeForkAsClient client = socket.Client(parsed);
        byte[] line = new Request { Operation = Operation.SignIn, User = parsed.GetValue(user), Reply = ReplyForm.Frames }.ToLine();
        MemoryOutput output = new(JobStream.Output, PipeForkAsClient.DefaultCaptureBytes);
        MemoryOutput error = new(JobStream.Error, PipeForkAsClient.DefaultCaptureBytes);
        using DaemonLink link = DaemonLink.Open(client.Address);
        JobResult end = JobExchange.Run(link, line, new JobInput(streams.Input), Outputs.Separate(output, error));
        if (!end.IsSuccess)
            throw new RequestRefusedException(end);
        SignInTicket ticket = PipeForkAsClient.ReadTicket(output.Written);
        streams.Write(
            parsed.GetValue(json) ? JsonSerializer.Serialize(ticket, SignInTicketJson.Default.SignInTicket) + "\n" : ticket.Ticket + "\n");
        return ExitStatus.Success;
    }
}
