using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests rules, the check operation, and reloads, with real callers.</summary>
public sealed class PolicyTests
{
    [Fact(Timeout = Bound.Test)]
    public async Task A_panel_runs_only_its_jobs_and_only_as_members_of_the_group()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(Panel);

        Assert.Equal((0, TestUsers.Alice), Ran(await AsAsync(daemon, TestUsers.Bob, "run", "id", "--user", TestUsers.Alice)));
        Assert.Equal((126, null), Ran(await AsAsync(daemon, TestUsers.Bob, "run", "echo", "--user", TestUsers.Alice)));
        Assert.Equal((126, null), Ran(await AsAsync(daemon, TestUsers.Bob, "run", "id", "--user", TestUsers.Bob)));
        Assert.Equal((126, null), Ran(await AsAsync(daemon, TestUsers.Alice, "run", "id", "--user", TestUsers.Alice)));
        Assert.Equal((126, null), Ran(await AsAsync(daemon, TestUsers.Bob, "run", "id", "--user", "root")));
        Assert.Equal((126, null), Ran(await AsAsync(daemon, TestUsers.Bob, "run", "id", "--user", "no-such-user")));
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_caller_sees_the_jobs_that_it_may_run()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(Panel);

        ToolResult bob = await AsAsync(daemon, TestUsers.Bob, "list", "--json");
        Assert.Equal(["id", "list-directory"], JsonNode.Parse(bob.Output)!.AsArray().Select(job => (string)job!["name"]!));
        Assert.Equal("[]", JsonNode.Parse((await AsAsync(daemon, TestUsers.Alice, "list", "--json")).Output)!.ToJsonString());
        Assert.Equal(0, (await AsAsync(daemon, TestUsers.Bob, "describe", "id")).ExitCode);

        ToolResult hidden = await AsAsync(daemon, TestUsers.Bob, "describe", "echo");
        ToolResult missing = await AsAsync(daemon, TestUsers.Bob, "describe", "no-such-job");
        Assert.Equal(126, hidden.ExitCode);
        Assert.Equal(
            hidden.Error.Replace("echo", "JOB", StringComparison.Ordinal),
            missing.Error.Replace("no-such-job", "JOB", StringComparison.Ordinal));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_path_must_be_below_the_folder_in_the_rule()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(Panel);
        string home = TestUsers.Entry(TestUsers.Alice).Home;

        Assert.Equal(
            0, (await AsAsync(daemon, TestUsers.Bob, "run", "list-directory", "--user", TestUsers.Alice, $"path={home}")).ExitCode);
        foreach (string path in new[] { "/etc", $"{home}/../..", "..", "~", $"{home}2" })
            Assert.Equal(
                126, (await AsAsync(daemon, TestUsers.Bob, "run", "list-directory", "--user", TestUsers.Alice, $"path={path}")).ExitCode);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Check_decides_as_a_run_does_and_runs_nothing()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(Panel);

        ToolResult allowed = await AsAsync(daemon, TestUsers.Bob, "check", "--json", "--user", TestUsers.Alice, "id");
        CheckResult result = JsonSerializer.Deserialize(allowed.Output, CheckResultJson.Default.CheckResult)!;
        PasswordEntry alice = TestUsers.Entry(TestUsers.Alice);
        Assert.Equal(
            (0, true, "panel", (uint?)alice.Uid.Value, (uint?)alice.Gid.Value),
            (allowed.ExitCode, result.Allowed, result.Rule, result.Uid, result.Gid));
        Assert.Equal(Libc.getgrouplist(TestUsers.Alice, alice.Gid).Select(group => group.Value).Order(), result.Groups!);
        Assert.Equal(300, result.Limits!["timeout"]);
        Assert.Null(result.Rules);

        ToolResult denied = await AsAsync(daemon, TestUsers.Bob, "check", "--explain", "--user", TestUsers.Bob, "id");
        Assert.Equal(
            (126, $"denied: uid {TestUsers.Entry(TestUsers.Bob).Uid} runs id as {TestUsers.Bob}\n  only root sees the reason\n"),
            (denied.ExitCode, denied.Text));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Only_root_may_check_another_caller_and_sees_the_reason()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(Panel);
        string[] question = ["check", "--explain", "--caller", TestUsers.Bob, "--user", TestUsers.Alice, "id"];

        ToolResult root = await Tool.RunAsync([NativeBuild.Command, "--socket", daemon.Socket, .. question]);
        Assert.Equal(0, root.ExitCode);
        Assert.Contains("rule \"panel\": allows it", root.Text);

        ToolResult why = await Tool.RunAsync(
            [NativeBuild.Command, "--socket", daemon.Socket, .. question[..^1], "list-directory", "path=~"]);
        Assert.Equal(126, why.ExitCode);
        Assert.Contains("rule \"panel\": the job is not among Jobs", why.Text);
        Assert.Contains("rule \"paths\": an argument that Where tests is missing", why.Text);

        ToolResult bob = await AsAsync(daemon, TestUsers.Bob, question);
        Assert.Equal((126, ""), (bob.ExitCode, bob.Text));

        FramedReply run = await RawClient.FramesAsync(
            daemon, $$"""{"job":"id","caller":"{{TestUsers.Bob}}","user":"{{TestUsers.Alice}}","reply":"frames"}""");
        Assert.Equal(ReplyCode.BadRequest, run.End.Code);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Root_lists_and_describes_every_job_and_can_check_other_callers()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(configuration =>
        {
            Panel(configuration);
            foreach (JsonNode? rule in configuration["Policy"]!["Rules"]!.AsArray())
                rule!["Callers"] = new JsonArray(TestUsers.Bob);
        });
        string home = TestUsers.Entry(TestUsers.Alice).Home;

        ToolResult all = await AsRootAsync("list", "--json");
        Assert.Contains("read-file", JsonNode.Parse(all.Output)!.AsArray().Select(job => (string)job!["name"]!));
        Assert.Equal(0, (await AsRootAsync("describe", "read-file")).ExitCode);
        Assert.Equal(127, (await AsRootAsync("describe", "no-such-job")).ExitCode);
        Assert.Equal(126, (await AsRootAsync("run", "--user", TestUsers.Alice, "id")).ExitCode);

        ToolResult allowed = await AsRootAsync(
            "check", "--explain", "--caller", TestUsers.Bob, "--user", TestUsers.Alice, "list-directory", $"path={home}");
        Assert.Equal(0, allowed.ExitCode);
        Assert.Contains("rule \"paths\": allows it", allowed.Text);
        Assert.Equal(
            126, (await AsRootAsync(
                "check", "--explain", "--caller", TestUsers.Bob, "--user", TestUsers.Alice, "list-directory", "path=/etc")).ExitCode);

        Task<ToolResult> AsRootAsync(params string[] words) => Tool.RunAsync([NativeBuild.Command, "--socket", daemon.Socket, .. words]);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Check_does_not_distinguish_an_unknown_user_from_a_denied_one()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(Panel);
        var told = new HashSet<string>();
        foreach (string user in new[] { TestUsers.Bob, "root", "no-such-user", "daemon" })
        {
            ToolResult result = await AsAsync(daemon, TestUsers.Bob, "check", "--json", "--user", user, "id");
            told.Add($"{result.ExitCode} {result.Text.Replace($"\"{user}\"", "USER", StringComparison.Ordinal)}{result.Error}");
        }

        Assert.StartsWith("126 ", Assert.Single(told));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_reload_applies_policy_limits_and_commands_while_a_job_continues()
    {
        JsonObject configuration = null!;
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(made => configuration = made);
        Task<FramedReply> running = RawClient.RunAsync(daemon, "cat", input: Encoding.UTF8.GetBytes("still here"));
        Assert.Equal(0, (await AsAsync(daemon, TestUsers.Alice, "run", "id")).ExitCode);

        Panel(configuration);
        configuration["Commands"]!["hello"] = new JsonObject { ["Command"] = new JsonArray("/bin/echo", "hello") };
        configuration["Limits"]!["JobTimeout"] = "00:01:00";
        await ReloadAsync(daemon, configuration, "configuration reloaded; changed: ");

        Assert.Matches(@"changed: .*Limits:JobTimeout, .*Policy:Rules \(\d+ keys\)", daemon.Log);
        Assert.Equal(126, (await AsAsync(daemon, TestUsers.Alice, "run", "id")).ExitCode);
        ToolResult check = await AsAsync(daemon, TestUsers.Bob, "check", "--json", "--user", TestUsers.Alice, "id");
        Assert.Equal(60, JsonSerializer.Deserialize(check.Output, CheckResultJson.Default.CheckResult)!.Limits!["timeout"]);
        Assert.Equal("still here", (await running).Text);

        configuration["Policy"]!["Rules"]![0]!["Jobs"] = new JsonArray("hello");
        await ReloadAsync(daemon, configuration, "configuration reloaded; changed: Policy:Rules:0:Jobs:0");
        Assert.Equal("hello\n", (await AsAsync(daemon, TestUsers.Bob, "run", "--user", TestUsers.Alice, "hello")).Text);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_waiting_request_keeps_its_former_limits()
    {
        JsonObject configuration = null!;
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(made =>
        {
            configuration = made;
            (made["Limits"]!["MaxJobs"], made["Limits"]!["RootReserve"], made["Limits"]!["QueueTimeout"]) = (1, 0, "00:01:00");
        });
        using Socket running = await Crowd.SendAsync(daemon, $$"""{"job":"cat","user":"{{TestUsers.Alice}}"}""");
        await running.SendAsync("here\n"u8.ToArray());
        await Crowd.WaitForAsync(running, "here");
        Task<FramedReply> waiting = RawClient.RunAsync(daemon, "cat", input: new byte[100_000]);
        while (!(await RawClient.TextAsync(daemon, """{"op":"status"}""")).Contains(", 1 waiting", StringComparison.Ordinal))
            await Task.Delay(20);

        configuration["Limits"]!["OutputLimit"] = 10;
        await ReloadAsync(daemon, configuration, "configuration reloaded; changed: Limits:OutputLimit");
        running.Shutdown(System.Net.Sockets.SocketShutdown.Send);

        Assert.Equal((ReplyCode.Ok, 100_000), ((await waiting).End.Code, (await waiting).Stdout.Length));
        Assert.Equal(ReplyCode.OutputLimit, (await RawClient.RunAsync(daemon, "cat", input: new byte[100])).End.Code);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_rule_for_an_unregistered_job_causes_a_warning_at_the_start_and_each_reload()
    {
        JsonObject configuration = null!;
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(made =>
        {
            configuration = made;
            Panel(made);
        });
        Assert.DoesNotContain("policy warning", daemon.Log);

        configuration["Policy"]!["Rules"]!.AsArray().Add(Rule("no writing", "write-flie"));
        await ReloadAsync(
            daemon, configuration,
            "policy warning: the rule \"no writing\" allows the job \"write-flie\", but no such job is "
            + "registered");
        Assert.Equal(0, await daemon.StopAsync());

        await using DaemonProcess again = await DaemonProcess.StartAsync(made => made["Policy"] = configuration["Policy"]!.DeepClone());
        Assert.Contains("the rule \"no writing\" allows the job \"write-flie\"", again.Log);
        Assert.Equal(0, await again.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task An_invalid_file_or_a_change_of_fixed_keys_keeps_the_former_configuration()
    {
        JsonObject configuration = null!;
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(made => configuration = made);
        string file = Path.Combine(daemon.Folder, "pipeforkas.json");

        JsonObject bad = configuration.DeepClone().AsObject();
        Panel(bad);
        bad["Policy"]!["UnknownNames"] = "refuse";
        bad["Policy"]!["Rules"]![0]!["Callers"] = new JsonArray("no-such-user");
        await ReloadAsync(
            daemon, bad, $"the former one still applies: {file}: Policy:Rules:0:Callers:0: there is no user \"no-such-user\"");

        JsonObject moved = configuration.DeepClone().AsObject();
        Panel(moved);
        moved["Socket"]!["Mode"] = "0600";
        await ReloadAsync(
            daemon, moved, $"the former one still applies: {file}: Socket:Mode: cannot change while the daemon runs; restart it");

        JsonObject taken = configuration.DeepClone().AsObject();
        Panel(taken);
        taken["Commands"]!["id"] = new JsonObject { ["Command"] = new JsonArray("/usr/bin/id") };
        await ReloadAsync(daemon, taken, $"the former one still applies: {file}: Commands:id: the command has the name of a job");

        File.WriteAllText(file, "{ \"Policy\": ");
        await HangUpAsync(daemon, $"the former one still applies: {file}: ", 4);

        Assert.Equal(0, (await AsAsync(daemon, TestUsers.Alice, "run", "id")).ExitCode);
        Assert.Equal(126, (await AsAsync(daemon, TestUsers.Bob, "run", "id", "--user", TestUsers.Alice)).ExitCode);
        Assert.Equal(0, await daemon.StopAsync());
    }

    /// <summary>
    /// Pending signals of one kind are merged. The test checks that the last file applies in the end, and that reloads do not overlap.
    /// </summary>
    [Fact(Timeout = Bound.Test)]
    public async Task Concurrent_reloads_run_one_after_the_other_and_the_last_file_applies()
    {
        JsonObject configuration = null!;
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(made => configuration = made);
        string file = Path.Combine(daemon.Folder, "pipeforkas.json");
        for (int i = 1; i <= 40; i++)
        {
            // Each file is complete at any moment; every fourth one is invalid.
            configuration["Commands"] =
                new JsonObject { [$"round-{i}"] = new JsonObject { ["Command"] = new JsonArray("/bin/echo", $"{i}") } };
            configuration["Limits"]!["MaxJobs"] = i % 4 == 0 ? 0 : 100 + i;
            await File.WriteAllTextAsync(file + ".new", configuration.ToJsonString());
            File.Move(file + ".new", file, overwrite: true);
            Libc.kill(new ProcessId(daemon.Pid), Signal.SIGHUP);
            Libc.kill(new ProcessId(daemon.Pid), Signal.SIGHUP);
            if (i % 10 == 0)
                Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        }

        await File.WriteAllTextAsync(
            file + ".new",
            configuration.ToJsonString().Replace("\"MaxJobs\":0", "\"MaxJobs\":99", StringComparison.Ordinal).Replace(
                "round-40", "last", StringComparison.Ordinal));
        File.Move(file + ".new", file, overwrite: true);
        Libc.kill(new ProcessId(daemon.Pid), Signal.SIGHUP);
        FramedReply last = null!;
        for (int i = 0; i < 1500 && last?.End.Code != ReplyCode.Ok; i++)
        {
            await Task.Delay(20);
            last = await RawClient.RunAsync(daemon, "last");
        }

        Assert.Equal((ReplyCode.Ok, "40\n"), (last.End.Code, last.Text));
        Assert.Equal(ReplyCode.UnknownJob, (await RawClient.RunAsync(daemon, "round-39")).End.Code);
        Assert.DoesNotContain("Exception", daemon.Log);
        Assert.Equal(0, await daemon.StopAsync());
    }

    /// <summary>Bob is the panel, for the members of the test group.</summary>
    private static void Panel(JsonObject configuration) => configuration["Policy"] = new JsonObject
    {
        ["Rules"] = new JsonArray(
            Rule("panel", "id"),
            Rule("paths", "list-directory", new JsonObject { ["path"] = new JsonObject { ["Under"] = "~" } })),
    };

    private static JsonObject Rule(string name, string job, JsonObject? where = null)
    {
        var rule = new JsonObject
        {
            ["Name"] = name,
            ["Callers"] = new JsonArray(TestUsers.Bob, "root"),
            ["Jobs"] = new JsonArray(job),
            ["As"] = new JsonArray($"@{TestUsers.Group}"),
        };
        if (where is not null)
            rule["Where"] = where;
        return rule;
    }

    private static Task ReloadAsync(DaemonProcess daemon, JsonObject configuration, string told)
    {
        File.WriteAllText(Path.Combine(daemon.Folder, "pipeforkas.json"), configuration.ToJsonString());
        return HangUpAsync(daemon, told, 1);
    }

    /// <summary>Requests a reload and waits until the log shows its result.</summary>
    private static async Task HangUpAsync(DaemonProcess daemon, string told, int times)
    {
        Libc.kill(new ProcessId(daemon.Pid), Signal.SIGHUP);
        for (int i = 0; i < 1500 && daemon.Log.Split(told).Length <= times; i++)
            await Task.Delay(20);
        Assert.Equal(times, daemon.Log.Split(told).Length - 1);
    }

    private static (int ExitCode, string? User) Ran(ToolResult result)
    {
        int at = result.Text.IndexOf('(', StringComparison.Ordinal);
        return (result.ExitCode, at < 0 ? null : result.Text[(at + 1)..result.Text.IndexOf(')', StringComparison.Ordinal)]);
    }

    private static Task<ToolResult> AsAsync(DaemonProcess daemon, string user, params string[] words) =>
        Tool.RunAsAsync(user, [NativeBuild.Command, "--socket", daemon.Socket, .. words]);
}
