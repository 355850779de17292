using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon with commands that leave processes behind, and one with its own timeout.</summary>
public sealed class EndingJobsDaemon : ConfiguredDaemon
{
    protected override void Configure(JsonObject configuration)
    {
        configuration["Limits"]!["JobTimeout"] = "00:00:20";
        var commands = (JsonObject)configuration["Commands"]!;
        commands["short-nap"] = Command(["/usr/bin/sleep", "100"]);
        commands["short-nap"]!["Timeout"] = "00:00:01";
        commands["nap"] = Command(["/usr/bin/sleep", "100"]);
        commands["trap"] = Command(["/bin/sh", "-c", "trap 'echo trapped; exit 9' TERM; echo ready; while :; do sleep 0.1; done"]);

        // With "set -m" the background jobs of a shell have their own process groups.
        commands["scatter"] = Command(["/bin/bash", "-c", "set -m; for i in 1 2 3; do sleep 100 & done; echo ready; exit 0"]);
        commands["scatter-quietly"] = Command(
            ["/bin/bash", "-c", "set -m; for i in 1 2 3; do sleep 100 >/dev/null 2>&1 & done; echo ready; exit 0"]);
        commands["scatter-and-wait"] = Command(
            ["/bin/bash", "-c", "set -m; for i in 1 2 3; do (trap '' TERM; sleep 100) & done; echo ready; wait"]);
    }
}

/// <summary>Tests that a job which runs too long is killed, and that none of its processes is left.</summary>
public sealed class EndingTests(EndingJobsDaemon shared) : IClassFixture<EndingJobsDaemon>
{
    private readonly DaemonProcess daemon = shared.Daemon;

    [Theory(Timeout = Bound.Test)]
    [InlineData("sleep", """{"seconds":100}""")]
    [InlineData("nap", "{}")]
    public async Task The_timeout_of_a_client_ends_the_job(string job, string arguments)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job, arguments, more: ""","timeout":0.5""");

        Assert.Equal((ReplyCode.Timeout, null, 15), (reply.End.Code, reply.End.Exit, reply.End.Signal));
        Assert.Contains("0.5 s", reply.End.Message);
        await NoProcessLeftAsync();
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_client_cannot_extend_the_timeout_of_a_command()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "short-nap");
        Assert.Equal(ReplyCode.Timeout, reply.End.Code);

        reply = await RawClient.RunAsync(daemon, "short-nap", more: ""","timeout":1000000000000""");
        Assert.Equal(ReplyCode.Timeout, reply.End.Code);
        Assert.Contains("1 s", reply.End.Message);
        Assert.InRange(reply.End.Seconds, 0.9, 15);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_command_exits_with_124_at_a_timeout()
    {
        ToolResult result = await Tool.RunAsAsync(
            TestUsers.Alice, [NativeBuild.Command, "--socket", daemon.Socket, "run", "--timeout", "0.5", "sleep", "seconds=100"]);
        Assert.Equal((124, ""), (result.ExitCode, result.Text));

        result = await Tool.RunAsAsync(
            TestUsers.Alice, [NativeBuild.Command, "--socket", daemon.Socket, "run", "--timeout", "1000", "short-nap"]);
        Assert.Equal(124, result.ExitCode);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_text_reply_reports_the_timeout()
    {
        string reply = await RawClient.TextAsync(daemon, $$"""{"job":"nap","user":"{{TestUsers.Alice}}","timeout":0.3}""");

        Assert.Equal("pipeforkas: timeout: the job timed out after 0.3 s and was killed\n", reply);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_that_ignores_SIGTERM_is_killed_after_the_grace_period()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "ignore-sigterm", """{"seconds":100}""", more: ""","timeout":0.5""");

        Assert.Equal((ReplyCode.Timeout, 9, "ready\n"), (reply.End.Code, reply.End.Signal, reply.Text));
        Assert.InRange(reply.End.Seconds, 1.4, 30);
        await NoProcessLeftAsync();
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("graceful", "ready\ncancelled\n", 42)]
    [InlineData("trap", "ready\ntrapped\n", 9)]
    public async Task A_job_that_handles_SIGTERM_can_still_write_and_its_exit_code_is_reported(string job, string output, int exit)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job, more: ""","timeout":1""");

        Assert.Equal((ReplyCode.Timeout, exit, null), (reply.End.Code, reply.End.Exit, reply.End.Signal));
        Assert.Equal(output, reply.Text);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("background", """{"seconds":100}""")]
    [InlineData("scatter", "{}")]
    public async Task A_reply_does_not_wait_for_leftover_processes_that_keep_the_output_open(string job, string arguments)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job, arguments);

        Assert.Equal((ReplyCode.Ok, 0), (reply.End.Code, reply.End.Exit));
        Assert.NotEmpty(reply.Text);
        Assert.InRange(reply.End.Seconds, 0.2, 30); // They could be silent for a quarter of a second.
        await Bound.UntilAsync(() => Living().Count == 0, () => $"{Living().Count} processes are still alive");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Leftover_processes_without_the_output_do_not_outlive_the_job()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "scatter-quietly");

        Assert.Equal((ReplyCode.Ok, "ready\n"), (reply.End.Code, reply.Text));
        await Bound.UntilAsync(() => Living().Count == 0, () => $"{Living().Count} processes are still alive");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task At_a_timeout_all_children_of_a_command_end_in_any_group_with_any_trap()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "scatter-and-wait", more: ""","timeout":0.5""");

        Assert.Equal(ReplyCode.Timeout, reply.End.Code);
        Assert.Equal("ready\n", reply.Text);
        await Bound.UntilAsync(() => Living().Count == 0, () => $"{Living().Count} processes are still alive");
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("sleep", """{"seconds":100}""")]
    [InlineData("ignore-sigterm", """{"seconds":100}""")]
    [InlineData("scatter-and-wait", "{}")]
    [InlineData("count-stdin", "{}")]
    public async Task A_disconnecting_client_ends_its_job(string job, string arguments)
    {
        using (Socket socket = await RawClient.ConnectAsync(daemon))
        {
            await socket.SendAsync(
                Encoding.UTF8.GetBytes($$"""{"job":"{{job}}","user":"{{TestUsers.Alice}}","args":{{arguments}} }""" + "\n"));
            await Bound.UntilAsync(() => Living().Count > 0, () => "the job does not start");
        }

        await Bound.UntilAsync(() => Living().Count == 0, () => $"{Living().Count} processes are still alive");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Control_c_ends_the_command_and_its_job()
    {
        using Process command = Process.Start(new ProcessStartInfo(
            "setpriv",
            ["--reuid", TestUsers.Alice, "--regid", TestUsers.Alice, "--init-groups", NativeBuild.Command, "--socket", daemon.Socket,
                "run", "graceful"])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        })!;
        Assert.Equal("ready", await command.StandardOutput.ReadLineAsync());
        Libc.kill(new ProcessId(command.Id), Signal.SIGINT);
        using var deadline = new CancellationTokenSource(Bound.Test);
        await command.WaitForExitAsync(deadline.Token);

        Assert.Equal(130, command.ExitCode);
        await Bound.UntilAsync(() => Living().Count == 0, () => $"{Living().Count} processes are still alive");
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("\"5\"")]
    [InlineData("1e999")]
    [InlineData("null")]
    public async Task An_invalid_timeout_is_refused(string timeout)
    {
        string reply = await RawClient.TextAsync(
            daemon, $$"""{"job":"exit","user":"{{TestUsers.Alice}}","args":{"code":0},"timeout":{{timeout}} }""");

        Assert.StartsWith("pipeforkas: bad-request: ", reply);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Leftover_processes_of_a_command_end_when_the_job_host_dies()
    {
        await using DaemonProcess own = await DaemonProcess.StartAsync(configuration =>
        {
            configuration["JobHosts"] = new JsonArray(new JsonObject { ["Path"] = NativeBuild.TestJobs, ["Workers"] = 1 });
            configuration["Commands"] = JsonNode.Parse(
                """{"scatter":{"Command":["/bin/bash","-c","set -m; for i in 1 2 3; do sleep 100 & done; echo ready; wait"]}}""");
        });
        Task<FramedReply> reply = RawClient.RunAsync(own, "scatter");
        await Bound.UntilAsync(() => Living().Count == 5, () => "the job does not start");

        Libc.kill(new ProcessId(Assert.Single(own.JobHosts)), Signal.SIGKILL);

        Assert.Equal(ReplyCode.HostLost, (await reply).End.Code);
        await Bound.UntilAsync(() => Living().Count == 0, () => $"{Living().Count} processes are still alive");
        Assert.Equal(0, await own.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_stopping_daemon_lets_jobs_finish_and_then_ends_the_rest()
    {
        await using DaemonProcess own = await DaemonProcess.StartAsync(
            configuration => configuration["Limits"]!["DrainTimeout"] = "00:00:02");
        Task<FramedReply> quick = RawClient.RunAsync(own, "sleep", """{"seconds":1}""");
        Task<FramedReply> slow = RawClient.RunAsync(own, "sleep", """{"seconds":100}""");
        await Bound.UntilAsync(() => Living().Count == 2, () => "the jobs do not start");

        Assert.Equal(0, await own.StopAsync());

        Assert.Equal(ReplyCode.Ok, (await quick).End.Code);
        Assert.Equal(ReplyCode.ShuttingDown, (await slow).End.Code);
        await NoProcessLeftAsync();
        Assert.False(File.Exists(own.Socket));
    }

    private static IReadOnlyList<int> Living() => ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]);

    private static Task NoProcessLeftAsync() => Bound.UntilAsync(
        () => Living().Count == 0,
        () => ProcFs.Names(Living()));
}
