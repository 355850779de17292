using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>A request of a trace: what the job gets of it, and what the daemon records.</summary>
public sealed class TraceContextTests(AuditingDaemon auditing) : IClassFixture<AuditingDaemon>
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c", Parent = $"00-{TraceId}-b7ad6b7169203331-01";
    private const string State = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";

    private readonly DaemonProcess daemon = auditing.Daemon;

    [Theory(Timeout = Bound.Test)]
    [InlineData("self")]
    [InlineData("show-environment")]
    public async Task A_job_gets_the_trace_context_of_its_request(string job)
    {
        int seen = File.ReadAllLines(auditing.File).Length;
        FramedReply reply = await RawClient.RunAsync(
            daemon, job, more: $$""","traceparent":"{{Parent}}","tracestate":"{{State}}" """.TrimEnd());

        Assert.Equal(ReplyCode.Ok, reply.End.Code);
        Assert.Equal((Parent, State), (Variable(job, reply.Text, "TRACEPARENT"), Variable(job, reply.Text, "TRACESTATE")));
        string[] lines = [];
        await Bound.UntilAsync(() => (lines = File.ReadAllLines(auditing.File)).Length > seen, () => "there is no record");
        Assert.Equal(TraceId, (string?)JsonNode.Parse(lines[seen])!["trace_id"]);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("self")]
    [InlineData("show-environment")]
    public async Task A_job_of_a_request_without_a_trace_has_no_trace_context(string job)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job);

        Assert.Equal(ReplyCode.Ok, reply.End.Code);
        Assert.DoesNotContain("TRACEPARENT", reply.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("TRACESTATE", reply.Text, StringComparison.Ordinal);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_trace_context_of_another_form_runs_nothing()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "self", more: ""","traceparent":"00-0-0-0" """.TrimEnd());

        Assert.Equal((ReplyCode.BadRequest, null), (reply.End.Code, reply.End.Pid));
        Assert.Contains("traceparent", reply.End.Message, StringComparison.Ordinal);
    }

    private static string? Variable(string job, string text, string name) => job == "self"
        ? (string?)JsonNode.Parse(text)!["environment"]![name]
        : text.Split('\n').Single(line => line.StartsWith($"{name}=", StringComparison.Ordinal))[(name.Length + 1)..];
}
