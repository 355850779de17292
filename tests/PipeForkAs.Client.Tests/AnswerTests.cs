using System.Text.Json;

using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Client.Tests;

public sealed class AnswerTests
{
    private static readonly JobDescription Job = new()
    {
        Name = "read-file",
        Kind = JobKind.Streaming,
        Description = "Reads a file",
        Arguments = JsonDocument.Parse("""{"type":"object","properties":{"path":{"type":"string"}}}""").RootElement,
        Environment = ["LANG"],
        Timeout = TimeSpan.FromSeconds(30),
    };

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Jobs_are_listed()
    {
        await using FakeDaemon daemon = FakeDaemon.Holding(Job, (_, _) => Task.CompletedTask);

        JobDescription job = Assert.Single(await new PipeForkAsClient(daemon.SocketPath).ListAsync());

        Assert.Equal(
            ("read-file", JobKind.Streaming, "Reads a file", TimeSpan.FromSeconds(30)), (job.Name, job.Kind, job.Description, job.Timeout));
        Assert.Equal(["LANG"], job.Environment);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_job_is_described_with_the_schema_of_its_arguments()
    {
        await using FakeDaemon daemon = FakeDaemon.Holding(Job, (_, _) => Task.CompletedTask);

        JobDescription job = await new PipeForkAsClient(daemon.SocketPath).DescribeAsync("read-file");

        Assert.Equal(Job.Arguments!.Value.GetRawText(), job.Arguments!.Value.GetRawText());
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_refusal_carries_its_code()
    {
        await using FakeDaemon daemon = FakeDaemon.Holding(Job, (_, _) => Task.CompletedTask);

        RequestRefusedException refused = await Assert.ThrowsAsync<RequestRefusedException>(() =>
            new PipeForkAsClient(daemon.SocketPath).DescribeAsync("other"));

        Assert.Equal(ReplyCode.UnknownJob, refused.Code);
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[{\"name\":\"a\"}]")]
    [InlineData("[null]")]
    [InlineData("[{\"name\":null,\"kind\":\"text\"}]")]
    [InlineData("[{\"name\":\"a\",\"kind\":\"text\",\"env\":null}]")]
    public async Task A_reply_that_is_not_a_list_breaks_the_protocol(string answer)
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out(answer), Reply.End(ReplyCode.Ok));

        await Assert.ThrowsAsync<ProtocolViolationException>(() => new PipeForkAsClient(daemon.SocketPath).ListAsync());
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Output_is_kept_exactly_up_to_the_limit()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out("12345"), Reply.Err("678"), Reply.Exit(0));
        PipeForkAsClient client = new(daemon.SocketPath);

        JobOutput output = await client.CaptureAsync(new JobRequest("job"), limit: 5);
        OutputTooLargeException failure = await Assert.ThrowsAsync<OutputTooLargeException>(() =>
            client.CaptureAsync(new JobRequest("job"), limit: 4));

        Assert.Equal(("12345", "678"), (output.StdoutText, output.StderrText));
        Assert.Equal((JobStream.Output, 4), (failure.Stream, failure.Limit));
    }
}
