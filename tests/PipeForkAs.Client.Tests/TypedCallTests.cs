using System.Text.Json.Serialization;

using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Client.Tests;

public sealed partial class TypedCallTests
{
    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Arguments_and_result_are_objects()
    {
        Request? seen = null;
        await using FakeDaemon daemon = new(async connection =>
        {
            seen = await connection.ReadRequestAsync();
            await connection.SendAsync(Reply.Out("""{"Text":"Hello, Wörld"}""" + "\n"), Reply.Exit(0));
        });

        Greeted greeted = await new PipeForkAsClient(daemon.SocketPath).RunAsync(
            "greet", new Greeting("Wörld"), Json.Default.Greeting, Json.Default.Greeted, user: "alice", timeout: TimeSpan.FromSeconds(1.5));

        Assert.Equal(new Greeted("Hello, Wörld"), greeted);
        Assert.Equal(("greet", "alice", 1.5), (seen!.Job, seen.User, seen.Timeout));
        Assert.Equal("""{"Name":"Wörld"}"""u8, seen.Arguments!);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_job_that_fails_throws_with_its_code_and_standard_error()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out("""{"Text":"half"}"""), Reply.Err("disk full\n"), Reply.Exit(2));

        JobFailedException failure = await Assert.ThrowsAsync<JobFailedException>(() => GreetAsync(daemon));

        Assert.Equal((ReplyCode.Failed, 2, "disk full\n"), (failure.Code, failure.ExitCode, failure.StderrExcerpt));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_denied_request_also_throws()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.End(ReplyCode.Denied, message: "the policy denies it"));

        Assert.Equal(ReplyCode.Denied, (await Assert.ThrowsAsync<JobFailedException>(() => GreetAsync(daemon))).Code);
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("Hello")]
    [InlineData("[]")]
    [InlineData("{\"Text\":7}")]
    [InlineData("{\"Text\":\"a\"} b")]
    public async Task Output_of_the_wrong_type_names_the_expected_type(string output)
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out(output), Reply.Exit(0));

        JobOutputFormatException failure = await Assert.ThrowsAsync<JobOutputFormatException>(() => GreetAsync(daemon));

        Assert.Equal(typeof(Greeted), failure.Expected);
        Assert.Contains("Greeted", failure.Message);
    }

    [Fact]
    public void The_arguments_of_a_request_are_serialized_from_an_object()
    {
        JobRequest request = new JobRequest("greet") { User = "alice" }.WithArguments(new Greeting("World"), Json.Default.Greeting);

        Assert.Equal("alice", request.User);
        Assert.Equal("""{"Name":"World"}"""u8, request.Arguments.Span);
    }

    private static Task<Greeted> GreetAsync(FakeDaemon daemon) => new PipeForkAsClient(daemon.SocketPath).RunAsync(
        "greet", new Greeting("World"), Json.Default.Greeting, Json.Default.Greeted);

    internal sealed record Greeting(string Name);

    internal sealed record Greeted(string Text);

    [JsonSerializable(typeof(Greeting))]
    [JsonSerializable(typeof(Greeted))]
    internal sealed partial class Json : JsonSerializerContext;
}
