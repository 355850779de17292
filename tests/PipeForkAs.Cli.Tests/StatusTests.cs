using System.Text.Json;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Cli.Tests;

/// <summary>Tests the requests and the output of <c>pipeforkas status</c> and <c>pipeforkas cancel</c>.</summary>
public sealed class StatusTests
{
    private static readonly DaemonStatus Status = new()
    {
        Version = "1.2.3",
        Uptime = TimeSpan.FromSeconds(1),
        Hosts = [new("/opt/jobs", [11], 3, 4, Well: true)],
        Jobs = [new() { Id = 9, Job = "cat", Caller = 33, User = "alice", Uid = 1001, Pid = 4711, Age = TimeSpan.FromSeconds(2.5) }],
        Running = 1,
        Waiting = 0,
        Served = 5,
        Refused = 0,
        Codes = new Dictionary<string, long> { ["ok"] = 5 },
    };

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Status_is_shown_as_lines()
    {
        (int status, string output, string error) = await RunAsync(Status);
        Assert.Equal((0, ""), (status, error));
        Assert.Equal(string.Concat(StatusText.Lines(Status).Select(line => line + "\n")), output);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Status_as_json_is_the_complete_status_on_one_line()
    {
        (int status, string output, string error) = await RunAsync(Status, "--json");
        Assert.Equal((0, "", output.Length - 1), (status, error, output.IndexOf('\n', StringComparison.Ordinal)));
        Assert.Equivalent(Status, JsonSerializer.Deserialize(output, DaemonStatusJson.Default.DaemonStatus), strict: true);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Status_as_metrics_has_the_Prometheus_format() =>
        Assert.Equal((0, StatusMetrics.Of(Status), ""), await RunAsync(Status, "--prometheus"));

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Names_in_a_status_reach_the_terminal_escaped()
    {
        (_, string output, _) = await RunAsync(Status with { Hosts = [new("/\e[2J\n", [1], 1, 1, Well: true)] });
        Assert.Contains("job host /\\u001b[2J\\n: pid 1", output, StringComparison.Ordinal);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Two_output_formats_of_status_are_refused() =>
        Assert.Equal(
            (125, "", "pipeforkas: --json and --prometheus cannot be combined; use one of them\n"),
            await RunAsync(Status, "--json", "--prometheus"));

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Cancel_sends_the_id_and_prints_nothing_on_success()
    {
        Request? asked = null;
        await using FakeDaemon daemon = new(async connection =>
        {
            asked = await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.End(ReplyCode.Ok));
        });
        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["cancel", "4711"]);
        Assert.Equal((0, "", ""), (run.Status, run.OutputText, run.Error));
        Assert.Equal((Operation.Cancel, 4711L), (asked!.Operation, asked.Id));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Cancel_of_an_unknown_job_shows_the_reason()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.End(ReplyCode.UnknownJob, message: "no job 7 of yours runs"));
        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["cancel", "7"]);
        Assert.Equal((127, "", "pipeforkas: unknown-job: no job 7 of yours runs\n"), (run.Status, run.OutputText, run.Error));
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData(" 1")]
    [InlineData("1.0")]
    [InlineData("cat")]
    [InlineData("9223372036854775808")]
    [InlineData("")]
    public async Task An_invalid_id_is_not_sent(string id)
    {
        Invocation run = await Invocation.RunAsync("/nowhere/daemon.sock", ["cancel", id]);
        Assert.Equal(125, run.Status);
        Assert.DoesNotContain("nowhere", run.Error, StringComparison.Ordinal);
    }

    private static async Task<(int Status, string Output, string Error)> RunAsync(DaemonStatus told, params string[] options)
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(
            Reply.Out(JsonSerializer.Serialize(told, DaemonStatusJson.Default.DaemonStatus)), Reply.End(ReplyCode.Ok));
        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["status", .. options]);
        return (run.Status, run.OutputText, run.Error);
    }
}
