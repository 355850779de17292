using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using SocketShutdown = System.Net.Sockets.SocketShutdown;

namespace PipeForkAs.EndToEnd;

/// <summary>A daemon whose grace period for orphans differs from the one for jobs.</summary>
public sealed class ExpectationDaemon : ConfiguredDaemon
{
    protected override void Configure(JsonObject configuration)
    {
        configuration["Limits"]!["JobTimeout"] = "00:01:30";
        configuration["Limits"]!["KillGrace"] = "00:01:00";
        var commands = (JsonObject)configuration["Commands"]!;
        commands["orphan"] = Command(["/bin/sh", "-c", "sleep 1000 & echo hi; exit 0"]);
        commands["busy-orphan"] = Command(
            ["/bin/bash", "-c", "(for i in 1 2 3 4 5 6 7 8 9; do sleep 0.1; echo $i; done; sleep 1000) & exit 0"]);
        commands["core"] = Command(["/bin/sh", "-c", "ulimit -c"]);
        commands["brief"] = Command(["/bin/true"]);
        commands["brief"]!["Timeout"] = "00:00:10";
    }
}

/// <summary>Tests that the daemon's messages and behaviour are as a caller expects.</summary>
public sealed class ExpectationTests(ExpectationDaemon shared) : IClassFixture<ExpectationDaemon>
{
    private readonly DaemonProcess daemon = shared.Daemon;

    [Theory(Timeout = Bound.Test)]
    [InlineData("orphan", "{}", "hi\n")]
    [InlineData("background", """{"seconds":1000}""", null)]
    public async Task A_silent_child_that_keeps_the_output_open_does_not_delay_the_reply(string job, string arguments, string? output)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job, arguments);

        Assert.Equal((ReplyCode.Ok, 0), (reply.End.Code, reply.End.Exit));
        if (output is not null)
            Assert.Equal(output, reply.Text);
        Assert.InRange(reply.End.Seconds, 0.2, 30); // KillGrace is a minute.
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Output_of_a_child_that_continues_to_write_arrives()
    {
        FramedReply reply = await RawClient.RunAsync(daemon, "busy-orphan");

        Assert.Equal((ReplyCode.Ok, "1\n2\n3\n4\n5\n6\n7\n8\n9\n"), (reply.End.Code, reply.Text));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("brief", 10)]
    [InlineData("id", 90)]
    public async Task Describe_shows_the_timeout_that_applies(string job, double seconds)
    {
        string json = await RawClient.TextAsync(daemon, $$"""{"op":"describe","job":"{{job}}"}""");
        Assert.Equal(seconds, (double)JsonNode.Parse(json)!["timeout"]!);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task No_core_files_are_written_unless_configured() =>
        Assert.Equal("0\n", (await RawClient.RunAsync(daemon, "core")).Text);

    [Fact(Timeout = Bound.Test)]
    public async Task A_denial_of_root_without_a_user_explains_how_to_name_one()
    {
        Assert.Equal(
            "pipeforkas: denied: the policy does not allow uid 0 to run \"id\" as itself; name the user to run it as (--user USER)\n",
            await RawClient.TextAsync(daemon, """{"job":"id"}"""));
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("read-file", "not-found", 2)]
    [InlineData("write-file", "not-found", 2)]
    [InlineData("list-directory", "not-found", 2)]
    [InlineData("disk-usage", "not-found", 2)]
    public async Task Failures_of_stock_jobs_have_kinds_and_an_errno(string job, string kind, int errno)
    {
        FramedReply reply = await RawClient.RunAsync(daemon, job, """{"path":"/nonexistent/x"}""");
        Assert.Equal((ReplyCode.Error, kind, (int?)errno), (reply.End.Code, reply.End.Error!.Type, reply.End.Error.Errno));

        await Bound.UntilAsync(
            () => daemon.Log.Split('\n').Any(line => line.Contains($"worker_pid={reply.End.Pid}", StringComparison.Ordinal)
                && line.Contains($"error={kind} errno={errno}", StringComparison.Ordinal)),
            () => "the record does not say why the job failed");
        ToolResult command = await Tool.RunAsAsync(
            TestUsers.Alice, [NativeBuild.Command, "--socket", daemon.Socket, "run", job, "path=/nonexistent/x"]);
        Assert.Equal(1, command.ExitCode);
        Assert.StartsWith($"pipeforkas: error: {kind}: ", command.Error, StringComparison.Ordinal);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_client_that_sends_much_input_to_a_refused_job_gets_the_reason()
    {
        byte[] request = Encoding.UTF8.GetBytes("""{"job":"cat","user":"root"}""" + "\n");
        for (int i = 0; i < 5; i++)
        {
            using Socket client = await RawClient.ConnectAsync(daemon);
            await client.SendAsync(request);
            byte[] much = new byte[1 << 20];
            for (int sent = 0; sent < 50; sent++)
                await SendAllAsync(client, much);
            client.Shutdown(SocketShutdown.Send);
            Assert.StartsWith(
                "pipeforkas: denied: ", Encoding.UTF8.GetString(await RawClient.ReadToEndAsync(client)), StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = Bound.Test)]
    [Trait("Needs", "quiet")]
    public async Task A_client_that_sends_without_end_to_a_refused_job_is_disconnected()
    {
        using var stop = new CancellationTokenSource();
        Task[] senders = [.. Enumerable.Range(0, 4).Select(_ => FloodAsync(stop.Token))];
        await Bystander.IsNotDelayedAsync(daemon, TimeSpan.FromSeconds(3));
        await stop.CancelAsync();
        await Task.WhenAll(senders);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_caller_without_jobs_gets_a_message_and_root_learns_that_a_job_is_unknown()
    {
        await using DaemonProcess own = await DaemonProcess.StartAsync(
            configuration => configuration["Policy"] = JsonNode.Parse("""{"Rules":[]}"""));
        ToolResult list = await Tool.RunAsAsync(TestUsers.Alice, [NativeBuild.Command, "--socket", own.Socket, "list"]);
        Assert.Equal((0, "", "pipeforkas: there is no job that you may run\n"), (list.ExitCode, list.Text, list.Error));

        ToolResult check = await Tool.RunAsync(
            [NativeBuild.Command, "--socket", own.Socket, "check", "--user", TestUsers.Alice, "--explain", "nosuch"]);
        Assert.Equal(126, check.ExitCode);
        Assert.Contains("there is no job \"nosuch\"", check.Text, StringComparison.Ordinal);
        Assert.Equal(0, await own.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_message_about_too_many_processes_names_the_user_and_the_limit()
    {
        await using DaemonProcess own = await DaemonProcess.StartAsync(configuration =>
        {
            configuration["Limits"]!["Cgroup"] = "off";
            configuration["Limits"]!["Worker"]!["PidsMax"] = 2;
            ((JsonObject)configuration["Commands"]!)["true"] = new JsonObject { ["Command"] = new JsonArray("/bin/true") };
        });
        using Process crowd = Process.Start(
            "setpriv", ["--reuid", TestUsers.Alice, "--clear-groups", "/bin/sh", "-c", "for i in 1 2 3 4; do sleep 100 & done; wait"]);
        try
        {
            await Bound.UntilAsync(
                () => ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]).Count >= 5, () => "the user's processes do not start");
            FramedReply reply = await RawClient.RunAsync(own, "true");
            Assert.Contains($"user {TestUsers.Alice} ", reply.End.Message, StringComparison.Ordinal);
            Assert.Contains("more processes and threads than PidsMax allows (2)", reply.End.Message, StringComparison.Ordinal);
        }
        finally
        {
            foreach (int pid in ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]))
                Libc.kill(new ProcessId(pid), Signal.SIGKILL);
            await crowd.WaitForExitAsync();
        }

        Assert.Equal(0, await own.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_relative_path_that_a_rule_allowed_in_the_home_is_opened_only_there()
    {
        string home = TestUsers.Entry(TestUsers.Alice).Home;
        Directory.CreateDirectory($"{home}/etc");
        await File.WriteAllTextAsync($"{home}/etc/hostname", "the home's");
        await using DaemonProcess own = await DaemonProcess.StartAsync(configuration => configuration["Policy"] = JsonNode.Parse(
            """{"Rules":[{"Name":"home","Callers":["root"],"Jobs":["*"],"As":["*"],"Where":{"path":{"Under":"~"}}}]}"""));
        Assert.Equal("the home's", (await RawClient.RunAsync(own, "read-file", """{"path":"etc/hostname"}""")).Text);

        Libc.chmod(home, 0);
        try
        {
            FramedReply reply = await RawClient.RunAsync(own, "read-file", """{"path":"etc/hostname"}""");
            Assert.Equal((ReplyCode.Internal, ""), (reply.End.Code, reply.Text));
            Assert.Contains("WorkingDirectory", reply.End.Message, StringComparison.Ordinal);
        }
        finally
        {
            Libc.chmod(home, 0x1ED); // 0755
        }

        Assert.Equal(0, await own.StopAsync());
    }

    private static async Task SendAllAsync(Socket client, byte[] much)
    {
        for (int sent = 0; sent < much.Length;)
            sent += await client.SendAsync(much.AsMemory(sent));
    }

    private async Task FloodAsync(CancellationToken stop)
    {
        byte[] request = Encoding.UTF8.GetBytes("""{"job":"cat","user":"root"}""" + "\n");
        byte[] much = new byte[1 << 20];
        while (!stop.IsCancellationRequested)
        {
            using Socket client = await RawClient.ConnectAsync(daemon);
            await client.SendAsync(request, CancellationToken.None);
            try
            {
                for (int sent = 0; sent < 4096; sent++)
                    await SendAllAsync(client, much);
                Assert.Fail(string.Create(CultureInfo.InvariantCulture, $"the daemon took all of {4096} MiB"));
            }
            catch (SocketException)
            {
                // It is disconnected.
            }
        }
    }
}
