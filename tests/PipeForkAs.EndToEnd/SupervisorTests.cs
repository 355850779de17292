using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests the notifications to the supervisor; the name of the parent distinguishes systemd from others.</summary>
public sealed class SupervisorTests
{
    [Theory(Timeout = Bound.Test)]
    [InlineData("systemd", 2)]
    [InlineData("systemd", 3)]
    [InlineData("systemd", 15)]
    [InlineData("another", 2)]
    [InlineData("another", 3)]
    [InlineData("another", 15)]
    public async Task Each_termination_signal_stops_the_daemon_and_is_notified(string name, int signal)
    {
        await using SupervisedDaemon supervised = await SupervisedDaemon.StartAsync(name);
        Assert.StartsWith(
            "STATUS=0 jobs running, 0 requests served, 0 refused; ", Assert.Single(await supervised.UntilAsync("READY=1")),
            StringComparison.Ordinal);
        supervised.Kill(new Signal(signal));
        Assert.Equal([], await supervised.UntilAsync("STOPPING=1"));
        Assert.Equal(0, await supervised.Daemon.EndedAsync());
        Assert.Contains("stopped", supervised.Daemon.Log);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("systemd")]
    [InlineData("another")]
    public async Task A_supervisor_that_does_not_read_delays_nothing_and_gets_everything_later(string name)
    {
        await using SupervisedDaemon supervised = await SupervisedDaemon.StartAsync(name, isFull: true);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(supervised.Daemon, "id")).End.Code);
            supervised.Kill(Signal.SIGHUP);
            await Bound.UntilAsync(
                () => supervised.Daemon.Log.Split("configuration reloaded").Length == i + 2, () => supervised.Daemon.Log);
        }

        List<string> told = await supervised.UntilAsync("READY=1");
        Assert.Contains("full", told);
        Assert.Single(told, text => text.StartsWith("RELOADING=1\n", StringComparison.Ordinal));
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(supervised.Daemon, "id")).End.Code);
        await supervised.UntilAsync("STATUS=0 jobs running, 4 requests served, 0 refused; ");
        supervised.Kill(Signal.SIGTERM);
        await supervised.UntilAsync("STOPPING=1");
        Assert.Equal(0, await supervised.Daemon.EndedAsync());
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("systemd")]
    [InlineData("another")]
    public async Task A_supervisor_that_does_not_read_does_not_delay_a_stop(string name)
    {
        await using SupervisedDaemon supervised = await SupervisedDaemon.StartAsync(name, isFull: true);
        supervised.Kill(Signal.SIGTERM);
        Assert.Equal(0, await supervised.Daemon.EndedAsync());
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("systemd")]
    [InlineData("another")]
    public async Task A_notification_address_without_a_listener_fails_the_start_with_the_reason(string name)
    {
        const string Nobody = "/run/pipeforkas-nobody/notify";
        await using SupervisedDaemon supervised = SupervisedDaemon.Launch(name, address: Nobody);
        Assert.Equal(1, await supervised.Daemon.EndedAsync());
        await Bound.UntilAsync(
            () => supervised.Daemon.Log.Contains($"pipeforkasd: connect(NOTIFY_SOCKET={Nobody}): ENOENT", StringComparison.Ordinal),
            () => supervised.Daemon.Log);
        Assert.False(File.Exists(supervised.Daemon.Socket));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("systemd", null, "info: PipeForkAs.Daemon.DaemonService[1] listening on ")]
    [InlineData("another", null, "info: PipeForkAs.Daemon.DaemonService[1] listening on ")]
    [InlineData("systemd", "json", """{"EventId":1,"LogLevel":"Information","Category":"PipeForkAs.Daemon.DaemonService",""")]
    [InlineData("systemd", "simple", "info: PipeForkAs.Daemon.DaemonService[1] listening on ")]
    public async Task Console_records_have_the_default_or_the_configured_format(string name, string? formatter, string beginning)
    {
        await using SupervisedDaemon supervised = await SupervisedDaemon.StartAsync(name, configure: configuration =>
        {
            if (formatter is not null)
                configuration["Logging"] = new JsonObject { ["Console"] = new JsonObject { ["FormatterName"] = formatter } };
        });
        Assert.Contains(supervised.Daemon.Log.Split('\n'), line => line.StartsWith(beginning, StringComparison.Ordinal));
        Assert.DoesNotContain("Application started", supervised.Daemon.Log);
        Assert.DoesNotContain("Microsoft.", supervised.Daemon.Log);
    }
}
