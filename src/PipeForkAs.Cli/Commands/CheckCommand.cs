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
        Description = "Whom to run as, a name or a uid. Default: the caller",
        HelpName = "USER",
    };

    private readonly Option<string?> caller = new("--caller")
    {
        Description = "Who would ask, a name or a uid; for root alone. Default: yourself",
        HelpName = "CALLER",
    };

    private readonly Option<bool> explain = new("--explain") { Description = "Tell rule by rule why; only root is told" };

    private readonly Option<bool> json = new("--json") { Description = "Write one JSON object" };

    private readonly JobAndArguments asked;
    private readonly SocketOption socket;
    private readonly StreamSet streams;

    public CheckCommand(SocketOption socket, StreamSet streams)
        : base("check", "Tells whether a job would be run, and as whom, without running it. 0: allowed, 126: denied.")
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
        };

        CheckResult result = await client.CheckAsync(request, parsed.GetValue(caller), cancellation);
        string told = parsed.GetValue(json)
            ? JsonSerializer.Serialize(result, CheckResultJson.Default.CheckResult) + "\n"
            : CheckText.Of(result, parsed.GetValue(explain));
        streams.Write(told);
        return result.Allowed ? ExitStatus.Success : ExitStatus.Denied;
    }
}
