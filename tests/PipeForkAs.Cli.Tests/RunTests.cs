using System.Text;
using System.Text.Json;

using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Cli.Tests;

public sealed class RunTests
{
    private static readonly JobDescription Job = new()
    {
        Name = "read-file",
        Kind = JobKind.Typed,
        Description = "Reads a file\e[0m",
        Arguments = JsonDocument.Parse(
            """
            {"type":"object","properties":{"path":{"type":"string"},"lines":{"type":["integer","null"],"default":10}},"required":["path"]}
            """).RootElement,
        Environment = ["LANG", "TZ"],
        Timeout = TimeSpan.FromSeconds(30),
    };

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Options_become_members_of_the_request()
    {
        Request run = await RequestOf(
            "run", "--user", "bob", "--timeout", "2.5", "--env", "LANG=C", "--env", "EMPTY=", "-e", "EQ=a=b", "job", "--args",
            "{ \"a\": [1,\n2] }");

        Assert.Equal(("job", "bob", 2.5, ReplyForm.Frames), (run.Job, run.User, run.Timeout, run.Reply));
        Assert.Equal("""{"a":[1,2]}""", Encoding.UTF8.GetString(run.Arguments!));
        Assert.Equal([new("LANG", "C"), new("EMPTY", ""), new("EQ", "a=b")], run.Environment!);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Pairs_are_converted_by_the_schema_from_the_daemon()
    {
        Request run = await RequestOf("run", "read-file", "path=7", "lines=7");

        Assert.Equal("""{"path":"7","lines":7}""", Encoding.UTF8.GetString(run.Arguments!));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Without_arguments_the_command_requests_no_schema_and_sends_no_arguments()
    {
        List<Operation> asked = [];
        await using FakeDaemon daemon = new(async connection =>
        {
            Request request = await connection.ReadRequestAsync();
            Assert.Null(request.Arguments);
            asked.Add(request.Operation);
            await connection.SendAsync(Reply.Exit(0));
        });

        await Invocation.RunAsync(daemon.SocketPath, ["run", "id"]);

        Assert.Equal([Operation.Run], asked);
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData(127, "unknown-job", "run", "other", "a=1")]
    [InlineData(127, "unknown-job", "describe", "other")]
    [InlineData(125, "it has path, lines", "run", "read-file", "file=x")]
    [InlineData(125, "an integer", "run", "read-file", "lines=many")]
    [InlineData(125, "given twice", "run", "read-file", "path=a", "path=b")]
    [InlineData(125, "NAME=VALUE", "run", "read-file", "path")]
    [InlineData(125, "use one of them", "run", "read-file", "path=a", "--args", "{}")]
    [InlineData(125, "use one of them", "run", "read-file", "--frames", "--json")]
    [InlineData(125, "\"args\" must be a JSON object", "run", "read-file", "--args", "[]")]
    [InlineData(125, "\"args\" must be a JSON object", "run", "read-file", "--args", "{")]
    [InlineData(125, "--timeout must be", "run", "read-file", "--timeout", "0")]
    [InlineData(125, "--timeout must be", "run", "read-file", "--timeout", "-1")]
    [InlineData(125, "--timeout must be", "run", "read-file", "--timeout", "1,000")]
    [InlineData(125, "--timeout must be", "run", "read-file", "--timeout", "NaN")]
    [InlineData(125, "--env", "run", "read-file", "--env", "LANG")]
    [InlineData(125, "LANG twice", "run", "read-file", "--env", "LANG=a", "--env", "LANG=b")]
    [InlineData(125, "a variable's name", "run", "read-file", "--env", "A-B=a")]
    [InlineData(125, "\"user\" must be", "run", "read-file", "--user", "a/b")]
    [InlineData(125, "\"job\" must be", "run", "@response-file")]
    [InlineData(125, "--unknown", "run", "--unknown", "read-file")]
    [InlineData(125, "--usr", "run", "--usr", "bob", "read-file")]
    [InlineData(125, "--usr", "run", "read-file", "--usr=bob")]
    [InlineData(125, "--usr", "list", "--usr=bob")]
    [InlineData(125, "Required", "run")]
    [InlineData(125, "Required")]
    public async Task A_usage_error_is_explained_and_nothing_is_run(int status, string explanation, params string[] args)
    {
        await using FakeDaemon daemon = FakeDaemon.Holding(Job, (_, _) => throw new InvalidOperationException("it was run"));

        Invocation run = await Invocation.RunAsync(daemon.SocketPath, args);

        Assert.Equal((status, ""), (run.Status, run.OutputText));
        Assert.Contains(explanation, run.Error);
        Assert.All(run.Error.TrimEnd('\n').Split('\n'), line => Assert.StartsWith("pipeforkas: ", line));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Frames_pass_through_unchanged()
    {
        byte[][] reply = [Reply.Out("out"), Reply.Err("err"), Reply.End(ReplyCode.Timeout, message: "over")];
        await using FakeDaemon daemon = FakeDaemon.Replying(reply);

        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["run", "job", "--frames"]);

        Assert.Equal(reply.SelectMany(frame => frame), run.Output);
        Assert.Equal((124, "pipeforkas: timeout: over\n"), (run.Status, run.Error));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Json_contains_text_as_text_and_other_bytes_as_base64()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(
            Reply.Out("grün\n\u009b\""), Reply.Frame(FrameType.Stderr, [0xff, 0x00]), Reply.Exit(3));

        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["run", "job", "--json"]);

        JsonElement reply = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal(3, run.Status);
        Assert.Equal("grün\n\u009b\"", reply.GetProperty("stdout").GetString());
        Assert.False(reply.TryGetProperty("stdoutEncoding", out _));
        Assert.Equal([0xff, 0x00], reply.GetProperty("stderr").GetBytesFromBase64());
        Assert.Equal("base64", reply.GetProperty("stderrEncoding").GetString());
        Assert.Equal(
            ("failed", 3),
            (reply.GetProperty("end").GetProperty("code").GetString(), reply.GetProperty("end").GetProperty("exit").GetInt32()));
        Assert.Equal('\n', run.OutputText[^1]);
        Assert.DoesNotContain(run.OutputText[..^1], char.IsControl);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_sandbox_and_a_pattern_are_described()
    {
        JobDescription boxed = Job with
        {
            Arguments = JsonElement.Parse("""{"properties":{"path":{"type":"string","pattern":"^/srv/"}}}"""),
            Sandboxes = [new Sandbox { ReadOnly = ["/usr"], NoNetwork = true }],
        };
        await using FakeDaemon daemon = FakeDaemon.Holding(boxed, (_, _) => Task.CompletedTask);

        string text = (await Invocation.RunAsync(daemon.SocketPath, ["describe", "read-file"])).OutputText;
        Assert.Contains("\n  sandbox: reads /usr, writes nothing, and nothing else; no sockets\n", text);
        Assert.Contains("\n  path  text that matches ^/srv/\n", text);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Jobs_are_listed_and_described_as_text_and_as_JSON()
    {
        await using FakeDaemon daemon = FakeDaemon.Holding(Job, (_, _) => Task.CompletedTask);

        Assert.Equal("read-file  typed      Reads a file\\u001b[0m\n", (await Invocation.RunAsync(daemon.SocketPath, ["list"])).OutputText);
        Assert.Equal(
            """
            read-file (typed): Reads a file\u001b[0m
              ends after 30 s
              --env may set LANG, TZ
              path   text, required
              lines  an integer, 10 if not given

            """,
            (await Invocation.RunAsync(daemon.SocketPath, ["describe", "read-file"])).OutputText);
        Assert.Equal(
            Encoding.UTF8.GetString(Reply.Json(Job)) + "\n",
            (await Invocation.RunAsync(daemon.SocketPath, ["describe", "read-file", "--json"])).OutputText);
        Assert.Equal(
            "[" + Encoding.UTF8.GetString(Reply.Json(Job)) + "]\n",
            (await Invocation.RunAsync(daemon.SocketPath, ["list", "--json"])).OutputText);
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("--help")]
    [InlineData("--version")]
    [InlineData("run", "--help")]
    public async Task Help_needs_no_daemon(params string[] args)
    {
        Invocation run = await Invocation.RunAsync(socketPath: null, args);

        Assert.Equal((0, ""), (run.Status, run.Error));
        Assert.NotEmpty(run.Output);
    }

    private static async Task<Request> RequestOf(params string[] args)
    {
        Request? seen = null;
        await using (FakeDaemon daemon = FakeDaemon.Holding(Job, async (connection, request) =>
        {
            seen = request;
            await connection.SendAsync(Reply.Exit(0));
        }))
        {
            Invocation run = await Invocation.RunAsync(daemon.SocketPath, args);
            Assert.Equal((0, ""), (run.Status, run.Error));
        }

        return seen!;
    }
}
