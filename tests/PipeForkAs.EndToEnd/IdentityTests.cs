using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon that the tests of a class share.</summary>
public sealed class SharedDaemon : IAsyncLifetime
{
    internal DaemonProcess Daemon { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Daemon = await DaemonProcess.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await using (Daemon)
            Assert.Equal(0, await Daemon.StopAsync());
    }
}

public sealed class IdentityTests(SharedDaemon shared) : IClassFixture<SharedDaemon>
{
    private readonly DaemonProcess daemon = shared.Daemon;

    [Fact(Timeout = Bound.Test)]
    public async Task Socat_prints_the_ids_of_the_user()
    {
        string request = $$"""{"job":"id","user":"{{TestUsers.Alice}}"}""" + "\n";
        ToolResult result = await Tool.RunAsync(
            ["socat", "-t", "30", "-", $"UNIX-CONNECT:{daemon.Socket}"], System.Text.Encoding.UTF8.GetBytes(request));
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(await IdOf(TestUsers.Alice), result.Text);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_command_runs_a_job_as_its_caller()
    {
        ToolResult result = await Tool.RunAsAsync(TestUsers.Alice, [NativeBuild.Command, "--socket", daemon.Socket, "run", "id"]);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(await IdOf(TestUsers.Alice), result.Text);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_caller_cannot_run_a_job_as_someone_else()
    {
        ToolResult result = await Tool.RunAsAsync(
            TestUsers.Alice, [NativeBuild.Command, "--socket", daemon.Socket, "run", "--user", TestUsers.Bob, "id"]);
        Assert.Equal(126, result.ExitCode);
        Assert.Contains("denied", result.Error);
        Assert.Empty(result.Output);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Root_runs_a_job_as_a_user()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "id");
        Assert.Equal(ReplyCode.Ok, reply.End.Code);
        Assert.Equal(TestUsers.Entry(TestUsers.Alice).Uid.Value, reply.End.Uid);
        Assert.Equal(await IdOf(TestUsers.Alice), reply.Text);
    }

    /// <summary>The format of id(1); the stock job lists the groups in ascending order, the primary one first.</summary>
    private static async Task<string> IdOf(string user) => await Tool.MustAsync("id", user);
}
