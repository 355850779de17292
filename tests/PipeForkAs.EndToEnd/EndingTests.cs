using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon with commands that leave processes behind, and one that has a time-out of its own.</summary>
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

        // With "set -m" a shell's background jobs have process groups of their own.
        commands["scatter"] = Command(["/bin/bash", "-c", "set -m; for i in 1 2 3; do sleep 100 & done; echo ready; exit 0"]);
        commands["scatter-quietly"] = Command(
            ["/bin/bash", "-c", "set -m; for i in 1 2 3; do sleep 100 >/dev/null 2>&1 & done; echo ready; exit 0"]);
        commands["scatter-and-wait"] = Command(
            ["/bin/bash", "-c", "set -m; for i in 1 2 3; do (trap '' TERM; sleep 100) & done; echo ready; wait"]);
    }
}

/// <summary>What runs too long is ended, and nothing of it lives on.</summary>
public sealed class EndingTests(EndingJobsDaemon shared) : IClassFixture<EndingJobsDaemon>
{
    private readonly DaemonProcess daemon = shared.Daemon;

    [Theory(Timeout = Bound.Test)]
    [InlineData("sleep", """{"seconds":100}""")]
    [InlineData("nap", "{}")]
    public async Task A_clients_time_out_ends_the_job(string job, string arguments)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job, arguments, more: ""","timeout":0.5""");

        Assert.Equal((ReplyCode.Timeout, null, 15), (reply.End.Code, reply.End.Exit, reply.End.Signal));
        Assert.Contains("0.5 s", reply.End.Message);
        await NothingLivesAsync();
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_commands_own_time_out_ends_it_and_a_longer_wish_does_not_extend_it()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "short-nap");
        Assert.Equal(ReplyCode.Timeout, reply.End.Code);

        reply = await RawClient.RunAsync(daemon, "short-nap", more: ""","timeout":1000000000000""");
        Assert.Equal(ReplyCode.Timeout, reply.End.Code);
        Assert.Contains("1 s", reply.End.Message);
        Assert.InRange(reply.End.Seconds, 0.9, 15);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_command_exits_with_124_at_a_time_out()
    {
        ToolResult result = await Tool.RunAsAsync(
            TestUsers.Alice, [NativeBuild.Command, "--socket", daemon.Socket, "run", "--timeout", "0.5", "sleep", "seconds=100"]);
        Assert.Equal((124, ""), (result.ExitCode, result.Text));

        result = await Tool.RunAsAsync(
            TestUsers.Alice, [NativeBuild.Command, "--socket", daemon.Socket, "run", "--timeout", "1000", "short-nap"]);
        Assert.Equal(124, result.ExitCode);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_text_reply_tells_of_the_time_out()
    {
        string reply = await RawClient.TextAsync(daemon, $$"""{"job":"nap","user":"{{TestUsers.Alice}}","timeout":0.3}""");

        Assert.Equal("pipeforkas: timeout: the job timed out after 0.3 s and was killed\n", reply);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_that_ignores_sigterm_is_killed_after_the_grace()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "ignore-sigterm", """{"seconds":100}""", more: ""","timeout":0.5""");

        Assert.Equal((ReplyCode.Timeout, 9, "ready\n"), (reply.End.Code, reply.End.Signal, reply.Text));
        Assert.InRange(reply.End.Seconds, 1.4, 30);
        await NothingLivesAsync();
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("graceful", "ready\ncancelled\n", 42)]
    [InlineData("trap", "ready\ntrapped\n", 9)]
    public async Task A_job_that_heeds_sigterm_may_say_something_and_its_exit_is_told(string job, string output, int exit)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job, more: ""","timeout":1""");

        Assert.Equal((ReplyCode.Timeout, exit, null), (reply.End.Code, reply.End.Exit, reply.End.Signal));
        Assert.Equal(output, reply.Text);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("background", """{"seconds":100}""")]
    [InlineData("scatter", "{}")]
    public async Task A_reply_does_not_wait_for_processes_that_were_left_behind_with_the_output(string job, string arguments)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job, arguments);

        Assert.Equal((ReplyCode.Ok, 0), (reply.End.Code, reply.End.Exit));
        Assert.NotEmpty(reply.Text);
        Assert.InRange(reply.End.Seconds, 0.2, 30); // A quarter of a second of silence was theirs.
        await Bound.UntilAsync(() => Living().Count == 0, () => $"{Living().Count} processes live on");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Processes_that_were_left_behind_without_the_output_do_not_outlive_the_job()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "scatter-quietly");

        Assert.Equal((ReplyCode.Ok, "ready\n"), (reply.End.Code, reply.Text));
        await Bound.UntilAsync(() => Living().Count == 0, () => $"{Living().Count} processes live on");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task At_a_time_out_a_commands_children_go_too_whatever_their_group_and_trap()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "scatter-and-wait", more: ""","timeout":0.5""");

        Assert.Equal(ReplyCode.Timeout, reply.End.Code);
        Assert.Equal("ready\n", reply.Text);
        await Bound.UntilAsync(() => Living().Count == 0, () => $"{Living().Count} processes live on");
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("sleep", """{"seconds":100}""")]
    [InlineData("ignore-sigterm", """{"seconds":100}""")]
    [InlineData("scatter-and-wait", "{}")]
    [InlineData("count-stdin", "{}")]
    public async Task A_client_that_goes_takes_its_job_with_it(string job, string arguments)
    {
        using (Socket socket = await RawClient.ConnectAsync(daemon))
        {
            await socket.SendAsync(
                Encoding.UTF8.GetBytes($$"""{"job":"{{job}}","user":"{{TestUsers.Alice}}","args":{{arguments}} }""" + "\n"));
            await Bound.UntilAsync(() => Living().Count > 0, () => "the job does not start");
        }

        await Bound.UntilAsync(() => Living().Count == 0, () => $"{Living().Count} processes live on");
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
        await Bound.UntilAsync(() => Living().Count == 0, () => $"{Living().Count} processes live on");
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("\"5\"")]
    [InlineData("1e999")]
    [InlineData("null")]
    public async Task A_time_out_that_is_none_is_refused(string timeout)
    {
        string reply = await RawClient.TextAsync(
            daemon, $$"""{"job":"exit","user":"{{TestUsers.Alice}}","args":{"code":0},"timeout":{{timeout}} }""");

        Assert.StartsWith("pipeforkas: bad-request: ", reply);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task What_a_command_left_in_its_session_goes_with_the_job_host_too()
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
        await Bound.UntilAsync(() => Living().Count == 0, () => $"{Living().Count} processes live on");
        Assert.Equal(0, await own.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_daemon_that_is_told_to_stop_lets_jobs_end_and_then_ends_the_rest()
    {
        await using DaemonProcess own = await DaemonProcess.StartAsync(
            configuration => configuration["Limits"]!["DrainTimeout"] = "00:00:02");
        Task<FramedReply> quick = RawClient.RunAsync(own, "sleep", """{"seconds":1}""");
        Task<FramedReply> slow = RawClient.RunAsync(own, "sleep", """{"seconds":100}""");
        await Bound.UntilAsync(() => Living().Count == 2, () => "the jobs do not start");

        Assert.Equal(0, await own.StopAsync());

        Assert.Equal(ReplyCode.Ok, (await quick).End.Code);
        Assert.Equal(ReplyCode.ShuttingDown, (await slow).End.Code);
        await NothingLivesAsync();
        Assert.False(File.Exists(own.Socket));
    }

    private static IReadOnlyList<int> Living() => ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]);

    private static Task NothingLivesAsync() => Bound.UntilAsync(
        () => Living().Count == 0,
        () => ProcFs.Names(Living()));
}
