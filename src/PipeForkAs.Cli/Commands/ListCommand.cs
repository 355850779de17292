using System.CommandLine;
using System.Text.Json;

using PipeForkAs.Cli.Replies;
using PipeForkAs.Cli.Terminal;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Commands;

/// <summary>Lists the jobs.</summary>
internal sealed class ListCommand : Command
{
    private readonly Option<bool> json = new("--json") { Description = "Write a JSON array of descriptions" };
    private readonly SocketOption socket;
    private readonly StreamSet streams;
    private readonly Report report;

    public ListCommand(SocketOption socket, StreamSet streams, Report report)
        : base("list", "Lists the jobs: name, kind and description.")
    {
        this.socket = socket;
        this.streams = streams;
        this.report = report;
        Add(json);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        IReadOnlyList<JobDescription> jobs = await socket.Client(parsed).ListAsync(cancellation);
        string text = parsed.GetValue(json)
            ? JsonSerializer.Serialize(jobs, JobDescriptionJson.Default.IReadOnlyListJobDescription) + "\n"
            : JobText.List(jobs);
        streams.Write(text);
        if (jobs.Count == 0)
            report.Line("there is no job that you may run");
        return ExitStatus.Success;
    }
}
