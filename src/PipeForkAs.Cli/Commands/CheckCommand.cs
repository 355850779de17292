using System.CommandLine;
using System.Text.Json;

using PipeForkAs.Cli.Replies;
using PipeForkAs.Cli.Terminal;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Commands;

/// <summary>Shows whether the daemon would run a job, without running it.</summary>
internal sealed class CheckCommand : Command
{
    private readonly Option<string?> user = new("--user", "-u")
    {
        Description = "User to run the job as (name or uid); default: the caller",
        HelpName = "USER",
    };

    private readonly Option<string?> caller = new("--caller")
    {
        Description = "Caller to check (name or uid); for root only; default: the calling user",
        HelpName = "CALLER",
    };

    private readonly Option<bool> explain = new("--explain") { Description = "Show the result of each rule; for root only" };

    private readonly Option<bool> json = new("--json") { Description = "Write one JSON object" };

    private readonly JobAndArguments asked;
    private readonly SocketOption socket;
    private readonly StreamSet streams;

    public CheckCommand(SocketOption socket, StreamSet streams)
        : base("check", "Shows whether a request is allowed, and as which user the job would run. 0: allowed, 126: denied.")
    {
        this.socket = socket;
        this.streams = streams;
        asked = new JobAndArguments(this);
        Add(user);
        Add(caller);
        Add(explain);
        Add(json);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        PipeForkAsClient client = socket.Client(parsed);
        JobRequest request = new(asked.Job(parsed))
        {
            User = parsed.GetValue(user),
            Arguments = await JobArguments.ReadAsync(client, asked.Job(parsed), asked.Json(parsed), asked.Pairs(parsed), cancellation),
            Ticket = TicketVariable.Value,
        };

        CheckResult result = await client.CheckAsync(request, parsed.GetValue(caller), cancellation);
        string told = parsed.GetValue(json)
            ? JsonSerializer.Serialize(result, CheckResultJson.Default.CheckResult) + "\n"
            : CheckText.Of(result, parsed.GetValue(explain));
        streams.Write(told);
        return result.Allowed ? ExitStatus.Success : ExitStatus.Denied;
    }
}
