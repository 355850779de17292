using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon with a command that has parameters of every type.</summary>
public sealed class ArgumentsDaemon : ConfiguredDaemon
{
    protected override void Configure(JsonObject configuration)
    {
        JsonObject show = Command(
            ["/usr/bin/printf", "<%s>", "{text}", "{count}", "{share}", "{flag}"], "text:string", "count:integer", "share:number",
            "flag:boolean");
        show["Parameters"]!["text"]!["Pattern"] = "^[^x]{0,20}$";
        show["Parameters"]!["share"]!["Default"] = "0.5";
        show["Parameters"]!["flag"]!["Default"] = "false";
        configuration["Commands"]!["show"] = show;
        configuration["Commands"]!["stuck"] = Command(["/bin/sh", "-c", "printf abc; exec sleep 60"]);
    }
}

/// <summary>Tests that arguments reach a job unchanged or not at all, and that exceptions are returned as data.</summary>
public sealed class ArgumentTests(ArgumentsDaemon shared) : IClassFixture<ArgumentsDaemon>
{
    private readonly DaemonProcess daemon = shared.Daemon;

    [Theory(Timeout = Bound.Test)]
    [InlineData("sum", """{"a":1,"b":2,"c":3}""", "c")]
    [InlineData("sum", """{"a":1}""", "b")]
    [InlineData("sum", """{}""", "a")]
    [InlineData("sum", """{"a":1,"b":"2"}""", "b")]
    [InlineData("sum", """{"a":1,"b":2.5}""", "b")]
    [InlineData("sum", """{"a":1,"b":9223372036854775808}""", "b")]
    [InlineData("sum", """{"a":1,"b":null}""", "b")]
    [InlineData("sum", """{"a":1,"b":[2]}""", "b")]
    [InlineData("sum", """{"A":1,"b":2}""", "A")]
    [InlineData("typed-all", """{"text":null,"number":1,"real":1,"flag":true,"colour":"Red","point":{"x":1,"y":2},"list":[]}""", "text")]
    [InlineData("typed-all", """{"text":"","number":1,"real":1,"flag":true,"colour":"Pink","point":{"x":1,"y":2},"list":[]}""", "colour")]
    [InlineData("typed-all", """{"text":"","number":1,"real":1,"flag":true,"colour":"Red","point":{"x":1,"z":2},"list":[]}""", "z")]
    [InlineData("typed-all", """{"text":"","number":1,"real":1,"flag":1,"colour":"Red","point":{"x":1,"y":2},"list":[]}""", "flag")]
    [InlineData("id", """{"a":1}""", "a")]
    [InlineData("show", """{"text":"a"}""", "count")]
    [InlineData("show", """{"text":"a","count":"1"}""", "count")]
    [InlineData("show", """{"text":"a","count":1.5}""", "count")]
    [InlineData("show", """{"text":"a","count":null}""", "count")]
    [InlineData("show", """{"text":"x","count":1}""", "text")]
    [InlineData("show", """{"text":"a\n","count":1,"flag":"true"}""", "flag")]
    [InlineData("show", """{"text":"-a","count":1}""", "text")]
    [InlineData("show", """{"text":"\u0000","count":1}""", "text")]
    [InlineData("show", """{"text":"a","count":1,"other":1}""", "show")]
    public async Task Wrong_arguments_are_refused_by_name_and_nothing_runs(string job, string arguments, string named)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job, arguments);

        Assert.Equal(ReplyCode.BadArguments, reply.End.Code);
        Assert.Empty(reply.Stdout);
        Assert.Contains(named, reply.End.Message);
        Assert.DoesNotContain("System.", reply.End.Message);
        Assert.Null(reply.End.Error);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("sum", """{"a":1,"b":2,"b":3}""")]
    [InlineData("sum", """{"a":1,"b":2,"\u0062":3}""")]
    [InlineData("show", """{"text":"a","count":1,"count":2}""")]
    [InlineData("typed-all", """{"text":"","number":1,"real":1,"flag":true,"colour":"Red","point":{"x":1,"y":2,"x":3},"list":[]}""")]
    [InlineData("sum", "[]")]
    [InlineData("sum", "1")]
    [InlineData("sum", "\"a\"")]
    public async Task Duplicate_arguments_and_arguments_that_are_not_an_object_are_refused(string job, string arguments)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job, arguments);

        Assert.Contains(reply.End.Code, (ReplyCode[])[ReplyCode.BadArguments, ReplyCode.BadRequest]);
        Assert.Empty(reply.Stdout);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Arguments_of_every_type_arrive_as_they_were_sent()
    {
        const string Arguments =
            """{"text":"ä\n\"\\\u0001😀","number":-2147483648,"real":-1.5e-300,"flag":true"""
            + ""","colour":"Green","point":{"x":-1,"y":2},"list":["","a b"],"optional":null,"withDefault":8}""";

        FramedReply reply = await RawClient.RunAsync(daemon, "typed-all", Arguments);

        Assert.True(reply.End.Code == ReplyCode.Ok, reply.End.Message);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Arguments), JsonNode.Parse(reply.Text)), reply.Text);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_parameters_of_a_command_are_words_and_never_reach_a_shell()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "show", """{"text":"$(id) ; `id` | \"*\n","count":-7}""", more: "");
        Assert.Equal(ReplyCode.BadArguments, reply.End.Code); // A negative number looks like an option.

        reply = await RawClient.RunAsync(daemon, "show", """{"text":"$(id) ; `id` | \"*\n","count":7,"share":1e3,"flag":true}""");
        Assert.Equal("<$(id) ; `id` | \"*\n><7><1e3><true>", reply.Text);

        reply = await RawClient.RunAsync(daemon, "show", """{"text":"","count":0}""");
        Assert.Equal("<><0><0.5><false>", reply.Text);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Arguments_may_fill_the_longest_request()
    {
        string head = $$"""{"job":"big-arguments","user":"{{TestUsers.Alice}}","reply":"frames","args":{"text":" """.TrimEnd(),
            tail = "\"}}";
        int room = ClientProtocol.MaxRequestBytes - 1 - head.Length - tail.Length;

        FramedReply longest = await RawClient.FramesAsync(daemon, head + new string('x', room) + tail);
        Assert.Equal((ReplyCode.Ok, room), (longest.End.Code, JsonNode.Parse(longest.Text)!["length"]!.GetValue<int>()));

        string longer = Encoding.UTF8.GetString(
            await RawClient.AskAsync(daemon, Encoding.UTF8.GetBytes(head + new string('x', room + 1) + tail + "\n")));
        Assert.Contains("too-large", longer);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task An_exception_of_a_function_is_returned_as_data()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "throw", """{"message":"first\nsecond \u001b[31m ä😀"}""");

        Assert.Equal(ReplyCode.Error, reply.End.Code);
        Assert.Equal(new JobError("System.InvalidOperationException", "first\nsecond \u001b[31m ä😀"), reply.End.Error);
        Assert.Equal(1, reply.End.Exit);
        Assert.Contains("System.InvalidOperationException", reply.End.Message);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("\\npipeforkas: ok: forged")]
    [InlineData("\\r\\npipeforkas: ok: forged\\n")]
    [InlineData("\\u001b[2K\\u001b[1Gpipeforkas: ok: forged")]
    [InlineData("\\u0085pipeforkas: ok: forged")]
    [InlineData("\\u2028pipeforkas: ok: forged")]
    [InlineData("\\u2029x\\u0000\\u0007\\u009b31m")]
    [InlineData("\\u202ederorre :sakrofepip\\u2066\\u200f")]
    [InlineData("\\udb40\\udc41\\ue000\\ufeff")]
    public async Task An_exception_of_a_function_cannot_forge_a_message_of_the_daemon(string message)
    {
        string reply = await RawClient.TextAsync(
            daemon, $$"""{"job":"throw","user":"{{TestUsers.Alice}}","args":{"message":"{{message}}"} }""");
        AssertOneLine(reply, "pipeforkas: error: System.InvalidOperationException: ");

        ToolResult command = await Tool.RunAsAsync(
            TestUsers.Alice, [NativeBuild.Command, "--socket", daemon.Socket, "run", "throw", "--args", $$"""{"message":"{{message}}"}"""]);
        Assert.Equal((1, ""), (command.ExitCode, command.Text));
        AssertOneLine(command.Error, "pipeforkas: ");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_very_long_exception_message_is_truncated()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "throw", $$"""{"message":"{{new string('m', 60_000)}}"}""");

        Assert.Equal(ReplyCode.Error, reply.End.Code);
        Assert.StartsWith("mmmmmmmm", reply.End.Error!.Message);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_last_line_of_a_text_reply_begins_a_new_line()
    {
        string reply = await RawClient.TextAsync(daemon, $$"""{"job":"stuck","user":"{{TestUsers.Alice}}","timeout":1}""");

        Assert.StartsWith("abc\npipeforkas: timeout: ", reply);
        Assert.Equal(2, reply.Count(letter => letter == '\n'));
    }

    private static void AssertOneLine(string text, string beginning)
    {
        Assert.StartsWith(beginning, text);
        Assert.Equal(text.Length - 1, text.IndexOf('\n', StringComparison.Ordinal));
        Assert.DoesNotContain(text[..^1], character => char.IsControl(character) || character is '\u2028' or '\u2029');
        Assert.DoesNotContain(
            text.EnumerateRunes(), rune => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Format or UnicodeCategory.PrivateUse);
    }
}
