using System.CommandLine;
using System.Text.Json;

using PipeForkAs.Cli.Replies;
using PipeForkAs.Cli.Terminal;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Commands;

/// <summary>Shows the daemon's status.</summary>
internal sealed class StatusCommand : Command
{
    private readonly Option<bool> json = new("--json") { Description = "Write one JSON object" };
    private readonly Option<bool> prometheus = new(
        "--prometheus")
    { Description = "Write metrics in the text format that Prometheus reads" };
    private readonly SocketOption socket;
    private readonly StreamSet streams;

    public StatusCommand(SocketOption socket, StreamSet streams)
        : base("status",
            "Shows the daemon's status: job hosts, running jobs, request counts. Root sees all jobs, other callers only their own.")
    {
        this.socket = socket;
        this.streams = streams;
        Add(json);
        Add(prometheus);
        Validators.Add(result =>
        {
            if (result.GetValue(json) && result.GetValue(prometheus))
                result.AddError("--json and --prometheus cannot be combined; use one of them");
        });
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        DaemonStatus status = await socket.Client(parsed).StatusAsync(cancellation);
        string text = parsed.GetValue(json) ? JsonSerializer.Serialize(status, DaemonStatusJson.Default.DaemonStatus) + "\n"
            : parsed.GetValue(prometheus) ? StatusMetrics.Of(status)
            : string.Concat(StatusText.Lines(status).Select(line => line + "\n"));
        streams.Write(text);
        return ExitStatus.Success;
    }
}
