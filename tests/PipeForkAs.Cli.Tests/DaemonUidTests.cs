using PipeForkAs.Protocol.Client;
using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Cli.Tests;

/// <summary>Tests which process the command sends requests to. The fake daemon is this process, which runs as root.</summary>
public sealed class DaemonUidTests
{
    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("0")]
    [InlineData("any")]
    public async Task A_daemon_with_the_expected_uid_or_any_uid_gets_the_request(string uid)
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.End(ReplyCode.Ok));
        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["--daemon-uid", uid, "run", "job"]);
        Assert.Equal((0, ""), (run.Status, run.Error));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_daemon_with_another_uid_does_not_get_the_request()
    {
        await using FakeDaemon daemon = new(connection => connection.ReadInputToEndAsync());
        Invocation run = await Invocation.RunAsync(daemon.SocketPath, ["run", "--daemon-uid", "4294967294", "job"]);
        Assert.Equal(
            (125, $"pipeforkas: a process of uid 0 listens on {daemon.SocketPath}, expected uid 4294967294; nothing was sent\n"),
            (run.Status, run.Error));
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("root")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData(" 1")]
    [InlineData("0x0")]
    [InlineData("4294967296")]
    public async Task An_invalid_uid_is_refused(string uid)
    {
        Invocation run = await Invocation.RunAsync("/nowhere", [$"--daemon-uid={uid}", "status"]);
        Assert.Equal((125, $"pipeforkas: --daemon-uid must be a uid in digits, or any, not \"{uid}\"\n"), (run.Status, run.Error));
    }
}
