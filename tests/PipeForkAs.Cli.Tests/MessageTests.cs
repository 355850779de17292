using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Cli.Tests;

public sealed class MessageTests
{
    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_message_of_a_hostile_job_reaches_the_terminal_escaped_and_its_output_raw()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(
            Reply.Out("\e[31mred"),
            Reply.End(ReplyCode.Error, error: new JobError("E\nvil", "\e]0;owned\a\npipeforkas: ok: fine")));

        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["run", "job"]);

        Assert.Equal("\e[31mred", run.OutputText);
        Assert.Equal("pipeforkas: error: E\\nvil: \\u001b]0;owned\\u0007\\npipeforkas: ok: fine\n", run.Error);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_message_begins_a_new_line_after_error_output_without_a_line_end()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Err("working"), Reply.End(ReplyCode.Timeout, message: "30 s are over"));

        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["run", "job"]);

        Assert.Equal((124, "working\npipeforkas: timeout: 30 s are over\n"), (run.Status, run.Error));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_code_without_a_message_is_shown_by_itself()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.End(ReplyCode.Busy));

        Assert.Equal("pipeforkas: busy\n", (await Invocation.RunAsync(daemon.SocketPath, ["run", "job"])).Error);
    }
}
