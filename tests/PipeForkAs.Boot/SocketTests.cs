using PipeForkAs.Boot.Harness;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.Boot;

/// <summary>Tests the socket that systemd owns.</summary>
public sealed class SocketTests(BootedSystem system)
{
    [Fact(Timeout = Bound.Test)]
    public async Task The_first_client_starts_the_service_and_is_served()
    {
        Container inside = await system.FreshAsync(start: false);
        await inside.MustAsync("systemctl", "start", "pipeforkas.socket");
        Assert.Equal("inactive", await system.PropertyAsync("ActiveState"));
        Assert.Contains("(alice)", await system.AskAsync(BootedSystem.Alice, """{"job":"id"}"""));
        Assert.Equal("active", await system.PropertyAsync("ActiveState"));

        // The kernel attests the process that connected, even if the daemon did not run yet.
        Assert.DoesNotContain("Socket:", await system.JournalAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task After_a_stop_the_next_client_starts_the_service_through_the_socket()
    {
        Container inside = await system.FreshAsync();
        await inside.MustAsync("systemctl", "stop", "pipeforkas.service");
        Assert.True(File.Exists(inside.PathOf(BootedSystem.Socket)));
        Assert.Contains("(alice)", await system.AskAsync(BootedSystem.Alice, """{"job":"id"}"""));
        await inside.MustAsync("systemctl", "stop", "pipeforkas.socket", "pipeforkas.service");
        Assert.False(File.Exists(inside.PathOf(BootedSystem.Socket)));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task With_an_invalid_configuration_the_service_fails_until_it_is_fixed_and_restarted()
    {
        Container inside = await system.FreshAsync();
        system.Configure("""{"Limits":{"MaxJob":5}}""");
        Assert.NotEqual(0, (await inside.RunAsync("systemctl", "restart", "pipeforkas.service")).ExitCode);
        Assert.Equal(("failed", "78"), (await system.PropertyAsync("ActiveState"), await system.PropertyAsync("ExecMainStatus")));
        Assert.Equal("active", await system.PropertyAsync("ActiveState", "pipeforkas.socket"));
        Assert.Contains("closed the connection without a reply", (await system.CommandAsync(BootedSystem.Alice, "run", "id")).Error);
        await system.UntilAsync(
            async () => (await system.CommandAsync(BootedSystem.Alice, "run", "id")).ExitCode == 125
                && await system.PropertyAsync("ActiveState", "pipeforkas.socket") == "failed",
            "the socket is still there");

        system.Configure(null);
        await inside.MustAsync("systemctl", "reset-failed", "pipeforkas.service");
        await inside.MustAsync("systemctl", "restart", "pipeforkas.service");
        Assert.Equal("active", await system.PropertyAsync("ActiveState", "pipeforkas.socket"));
        Assert.Contains("(alice)", await system.AskAsync(BootedSystem.Alice, """{"job":"id"}"""));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Without_the_socket_unit_the_daemon_creates_and_removes_the_socket()
    {
        Container inside = await system.FreshAsync(start: false);
        await inside.MustAsync("systemctl", "mask", "--runtime", "pipeforkas.socket");
        try
        {
            await inside.MustAsync("systemctl", "start", "pipeforkas.service");
            Assert.Contains("(alice)", await system.AskAsync(BootedSystem.Alice, """{"job":"id"}"""));
            await inside.MustAsync("systemctl", "stop", "pipeforkas.service");
            Assert.False(File.Exists(inside.PathOf(BootedSystem.Socket)));
        }
        finally
        {
            await inside.MustAsync("systemctl", "unmask", "--runtime", "pipeforkas.socket");
        }
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("""{"Socket":{"Path":"/run/pipeforkas/other.sock"}}""", "so Socket:Path /run/pipeforkas/other.sock is ignored")]
    [InlineData("""{"Socket":{"Mode":"0600"}}""", "with the permissions 666, so Socket:Mode 0600 is ignored")]
    public async Task The_log_warns_if_the_configuration_differs_from_the_socket_unit(string configuration, string said)
    {
        await system.FreshAsync(configuration);
        Assert.Contains(said, await system.JournalAsync());
        Assert.Contains("(alice)", await system.AskAsync(BootedSystem.Alice, """{"job":"id"}"""));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("ListenStream=\nListenStream=127.0.0.1:7777", "not a Unix stream socket")]
    [InlineData("ListenStream=\nListenSequentialPacket=/run/pipeforkas/pipeforkas.sock", "not a Unix stream socket")]
    [InlineData("ListenStream=/run/pipeforkas/second.sock", "passed 2 sockets (pipeforkas:pipeforkas)")]
    [InlineData("ListenStream=\nListenFIFO=/run/pipeforkas/pipeforkas.fifo", "cannot be used")]
    public async Task Only_a_single_listening_Unix_stream_socket_is_accepted(string socket, string said)
    {
        Container inside = await system.FreshAsync(socket: socket, service: "Restart=no", start: false);
        Assert.NotEqual(0, (await inside.RunAsync("systemctl", "start", "pipeforkas.service")).ExitCode);
        Assert.Contains(said, await system.JournalAsync());
        await inside.MustAsync("systemctl", "stop", "pipeforkas.socket");
    }
}
