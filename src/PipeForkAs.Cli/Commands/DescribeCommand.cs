using System.CommandLine;
using System.Text.Json;

using PipeForkAs.Cli.Replies;
using PipeForkAs.Cli.Terminal;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Commands;

/// <summary>Describes one job.</summary>
internal sealed class DescribeCommand : Command
{
    private readonly Argument<string> job = new("JOB") { Description = "The job's name; see: pipeforkas list" };
    private readonly Option<bool> json = new("--json") { Description = "Write a JSON object, with the schema of the arguments" };
    private readonly SocketOption socket;
    private readonly StreamSet streams;

    public DescribeCommand(SocketOption socket, StreamSet streams)
        : base("describe", "Describes a job: its arguments, the variables it allows, its time limit.")
    {
        this.socket = socket;
        this.streams = streams;
        Add(job);
        Add(json);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        JobDescription description = await socket.Client(parsed).DescribeAsync(parsed.GetValue(job)!, cancellation);
        string text = parsed.GetValue(json)
            ? JsonSerializer.Serialize(description, JobDescriptionJson.Default.JobDescription) + "\n"
            : JobText.Describe(description);
        streams.Write(text);
        return ExitStatus.Success;
    }
}
