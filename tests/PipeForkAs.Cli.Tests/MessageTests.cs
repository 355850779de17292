using PipeForkAs.Cli.Replies;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Cli.Tests;

public sealed class MessageTests
{
    [Theory]
    [InlineData("plain äöü 日本 😀", "plain äöü 日本 😀")]
    [InlineData("\e[2J\e]0;title\a", "\\x1b[2J\\x1b]0;title\\x07")]
    [InlineData("a\r\nb\tc\0", "a\\r\\nb\\tc\\x00")]
    [InlineData("\u009b31m\u007f", "\\x9b31m\\x7f")]
    [InlineData("\u202etxt.exe\u2066\u200b", "\\u202etxt.exe\\u2066\\u200b")]
    [InlineData("a\u2028b\u2029c", "a\\u2028b\\u2029c")]
    [InlineData("", "")]
    public void What_controls_or_formats_is_shown_and_not_done(string text, string shown) => Assert.Equal(shown, Printable.Escape(text));

    [Fact]
    public void Half_a_character_is_replaced() => Assert.Equal("a\ufffdb", Printable.Escape(new string(['a', '\ud83d', 'b'])));

    [Fact]
    public void No_character_below_space_and_none_of_the_second_control_block_passes()
    {
        foreach (char c in Enumerable.Range(0, 0x20).Concat(Enumerable.Range(0x7f, 0x21)).Select(number => (char)number))
            Assert.DoesNotContain(c, Printable.Escape(c.ToString()));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_message_of_a_hostile_job_reaches_the_terminal_escaped_and_its_output_raw()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(
            Reply.Out("\e[31mred"),
            Reply.End(ReplyCode.Error, error: new JobError("E\nvil", "\e]0;owned\a\npipeforkas: ok: fine")));

        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["run", "job"]);

        Assert.Equal("\e[31mred", run.OutputText);
        Assert.Equal("pipeforkas: error: E\\nvil: \\x1b]0;owned\\x07\\npipeforkas: ok: fine\n", run.Error);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_message_begins_a_line_of_its_own_behind_error_output_that_does_not_end_with_one()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Err("working"), Reply.End(ReplyCode.Timeout, message: "30 s are over"));

        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["run", "job"]);

        Assert.Equal((124, "working\npipeforkas: timeout: 30 s are over\n"), (run.Status, run.Error));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_code_without_a_message_is_said_alone()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.End(ReplyCode.Busy));

        Assert.Equal("pipeforkas: busy\n", (await Invocation.RunAsync(daemon.SocketPath, ["run", "job"])).Error);
    }
}
