using System.CommandLine;
using System.Text;
using System.Text.Json;

using PipeForkAs.Cli.Replies;
using PipeForkAs.Cli.Surroundings;
using PipeForkAs.Client;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Commands;

/// <summary>Tells whether a job would be run, without running it.</summary>
internal sealed class CheckCommand : Command
{
    private readonly Argument<string> job = new("JOB") { Description = "The job's name; see: pipeforkas list" };

    private readonly Argument<string[]> pairs = new("NAME=VALUE") { Description = "The job's arguments", Arity = ArgumentArity.ZeroOrMore };

    private readonly Option<string?> arguments = new("--args") { Description = "The job's arguments as one JSON object", HelpName = "JSON" };

    private readonly Option<string?> user = new("--user", "-u") { Description = "Whom to run as, a name or a uid. Default: the caller", HelpName = "USER" };

    private readonly Option<string?> caller = new("--caller") { Description = "Who would ask, a name or a uid; for root alone. Default: yourself", HelpName = "CALLER" };

    private readonly Option<bool> explain = new("--explain") { Description = "Tell rule by rule why; only root is told" };

    private readonly Option<bool> json = new("--json") { Description = "Write one JSON object" };

    private readonly SocketOption socket;
    private readonly StreamSet streams;

    public CheckCommand(SocketOption socket, StreamSet streams)
        : base("check", "Tells whether a job would be run, and as whom, without running it. 0: allowed, 126: denied.")
    {
        this.socket = socket;
        this.streams = streams;
        Add(job);
        Add(pairs);
        Add(arguments);
        Add(user);
        Add(caller);
        Add(explain);
        Add(json);
        Validators.Add(result =>
        {
            if (result.GetValue(job) is ['-', ..] option)
                result.AddError($"there is no option {option}; see: pipeforkas check --help");
            if (result.GetResult(arguments) is not null && result.GetResult(pairs) is { Tokens.Count: > 0 })
                result.AddError("--args and NAME=VALUE are two ways to say the same; use one of them");
        });
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        PipeForkAsClient client = socket.Client(parsed);
        byte[]? given = parsed.GetValue(arguments) is { } text ? Encoding.UTF8.GetBytes(text) : null;
        if (parsed.GetValue(pairs) is { Length: > 0 } words)
            given = ArgumentPairs.ToJson(words, (await client.DescribeAsync(parsed.GetValue(job)!, cancellation)).Arguments);

        CheckResult result = await client.CheckAsync(
            new Request { Job = parsed.GetValue(job), User = parsed.GetValue(user), Caller = parsed.GetValue(caller), Arguments = given }, cancellation);
        string told = parsed.GetValue(json)
            ? JsonSerializer.Serialize(result, CheckResultJson.Default.CheckResult) + "\n"
            : CheckText.Of(result, parsed.GetValue(explain));
        await streams.WriteAsync(told, cancellation);
        return result.Allowed ? ExitStatus.Success : ExitStatus.Denied;
    }
}
