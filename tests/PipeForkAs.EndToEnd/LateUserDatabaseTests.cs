using System.Diagnostics;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests names in rules that the user database does not know, or not yet: no start and no other name waits for them.</summary>
[Trait("Takes", "long")]
public sealed class LateUserDatabaseTests
{
    private const string LateUser = "pfalate", LateGroup = "pfalateg";
    private const string Answered = "until there is an answer";

    [Fact(Timeout = Bound.Test)]
    public async Task A_user_database_that_answers_after_20_s_delays_no_start_and_its_names_work_then()
    {
        var begun = Stopwatch.StartNew();
        (string folder, JsonObject configuration) = await PrepareAsync("h");
        await using DaemonProcess daemon = await StartAsync(folder, configuration);
        Assert.True(begun.Elapsed < TimeSpan.FromSeconds(15), $"the start took {begun.Elapsed}");

        // Known names work meanwhile; a request that only the late name would allow is denied, like one that the late group might deny.
        for (int i = 0; i < 20; i++)
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        Assert.Equal(ReplyCode.Denied, (await RawClient.RunAsync(daemon, "id", user: LateUser)).End.Code);
        Assert.Equal(ReplyCode.Denied, (await RawClient.RunAsync(daemon, "cat")).End.Code);
        Assert.Equal((1, 1), (Count(daemon, $"about the user \"{LateUser}\""), Count(daemon, $"about the group \"{LateGroup}\"")));
        Assert.Contains($"the rule \"not the late\" denies every possible match {Answered}", daemon.Log);
        Assert.Contains($"the rule \"late\" allows nothing by this name {Answered}", daemon.Log);

        TimeSpan left = TimeSpan.FromSeconds(20) - begun.Elapsed;
        await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero, TestContext.Current.CancellationToken);
        Assert.Equal(ReplyCode.Denied, (await RawClient.RunAsync(daemon, "id", user: LateUser)).End.Code);
        await SetAsync(folder, "k");
        await KnownAsync(daemon);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id", user: LateUser)).End.Code);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "cat")).End.Code);
        Assert.Equal(ReplyCode.Denied, (await RawClient.RunAsync(daemon, "cat", user: LateUser)).End.Code);
        Assert.Equal((1, 1), (Count(daemon, $"about the user \"{LateUser}\""), Count(daemon, $"about the group \"{LateGroup}\"")));
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task An_unreachable_user_database_denies_in_doubt_but_an_unknown_name_does_not()
    {
        (string folder, JsonObject configuration) = await PrepareAsync("u");
        await using DaemonProcess daemon = await StartAsync(folder, configuration);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        Assert.Equal(ReplyCode.Denied, (await RawClient.RunAsync(daemon, "cat")).End.Code);
        Assert.Contains($"the user database failed for the group \"{LateGroup}\": getgrnam_r", daemon.Log);

        await SetAsync(folder, "n");
        await Crowd.UntilAsync(
            () => daemon.Log, log => log.Contains($"there is no group \"{LateGroup}\"", StringComparison.Ordinal), TimeSpan.FromSeconds(30),
            "no answer came");
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "cat")).End.Code);
        Assert.Contains("the rule \"not the late\" denies nobody by this name until it exists", daemon.Log);

        // The last answer counts.
        await SetAsync(folder, "u");
        await Task.Delay(3000, TestContext.Current.CancellationToken);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "cat")).End.Code);
        await SetAsync(folder, "k");
        await KnownAsync(daemon);
        Assert.Equal(ReplyCode.Denied, (await RawClient.RunAsync(daemon, "cat", user: LateUser)).End.Code);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_reload_looks_names_up_at_once()
    {
        (string folder, JsonObject configuration) = await PrepareAsync("u");
        await using DaemonProcess daemon = await StartAsync(folder, configuration);
        Assert.Equal(ReplyCode.Denied, (await RawClient.RunAsync(daemon, "id", user: LateUser)).End.Code);
        await SetAsync(folder, "k");
        LibC.Libc.kill(new LibC.ProcessId(daemon.Pid), LibC.Signal.SIGHUP);
        await Crowd.UntilAsync(
            () => daemon.Log, log => log.Contains("configuration reloaded", StringComparison.Ordinal), TimeSpan.FromSeconds(30),
            "no reload");
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id", user: LateUser)).End.Code);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_deleted_user_fails_no_start_and_a_new_group_denies_at_once()
    {
        string gone = $"pfa-gone-{Environment.ProcessId}", group = $"pfa-new-{Environment.ProcessId}";
        try
        {
            await using DaemonProcess daemon = await DaemonProcess.StartAsync(made => made["Policy"] = new JsonObject
            {
                ["Rules"] = new JsonArray(
                    Rule("not new", "cat", $"@{group}", deny: true), Rule("gone", "id", gone), Rule("rest", "*", TestUsers.Alice)),
            });
            Assert.Contains($"Policy:Rules:0:As:0: there is no group \"{group}\"; the rule \"not new\" denies nobody", daemon.Log);
            Assert.Contains($"Policy:Rules:1:As:0: there is no user \"{gone}\"; the rule \"gone\" allows nothing", daemon.Log);
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "cat")).End.Code);

            await Tool.MustAsync("groupadd", group);
            await Tool.MustAsync("usermod", "--append", "--groups", group, TestUsers.Alice);
            Assert.Equal(ReplyCode.Denied, (await RawClient.RunAsync(daemon, "cat")).End.Code);
            await Crowd.UntilAsync(
                () => Count(daemon, $"the group \"{group}\" has the id"), count => count == 1, TimeSpan.FromSeconds(30),
                "a line that the group is known");
            Assert.Equal(0, await daemon.StopAsync());
        }
        finally
        {
            await Tool.RunAsync(["groupdel", group]);
        }
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("n", 78)]
    [InlineData("h", 1)]
    public async Task A_strict_configuration_rejects_unknown_names_and_fails_temporarily_without_an_answer(string state, int exitCode)
    {
        (string folder, JsonObject configuration) = await PrepareAsync(state);
        configuration["Policy"]!["UnknownNames"] = "refuse";
        await using DaemonProcess daemon = await ApartDaemon.LaunchAsync(folder, configuration, Before(folder));
        Assert.Equal(exitCode, await daemon.EndedAsync());
        Assert.Contains("Policy:Rules:0:As:0: ", daemon.Log);
        Assert.Contains("Policy:Rules:1:As:0: ", daemon.Log);
        Assert.DoesNotContain("   at ", daemon.Log);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_policy_checks_a_default_value_that_is_deployed_during_the_decision()
    {
        (string folder, JsonObject configuration) = await PrepareAsync("k");
        configuration["Limits"]!["LookupTimeout"] = "30s";
        JsonObject rule = Rule("srv", "show", "*");
        rule["Where"] = new JsonObject { ["path"] = new JsonObject { ["Under"] = "/srv" } };
        configuration["Policy"]!["Rules"] = new JsonArray(rule);
        Deploy("/srv/a");
        await using DaemonProcess daemon = await StartAsync(folder, configuration);
        Assert.Equal("/srv/a\n", (await RawClient.RunAsync(daemon, "show")).Text);

        await SetAsync(folder, "h");
        Task<FramedReply> asked = RawClient.RunAsync(daemon, "show", user: LateUser);
        await Task.Delay(500, TestContext.Current.CancellationToken);
        Deploy("/etc");
        await File.WriteAllTextAsync(Path.Combine(folder, "pipeforkas.json"), configuration.ToJsonString());
        Assert.Equal(ReplyCode.Ok, (await RawClient.FramesAsync(daemon, """{"op":"reload","reply":"frames"}""")).End.Code);
        Assert.False(asked.IsCompleted);
        await SetAsync(folder, "k");
        Assert.Equal(ReplyCode.Denied, (await asked).End.Code);
        Assert.Equal(0, await daemon.StopAsync());

        void Deploy(string path) => configuration["Commands"]!["show"] = JsonNode.Parse(
            $$$"""{"Command":["/bin/echo","{path}"],"Parameters":{"path":{"Type":"string","Default":"{{{path}}}"} } }""");
    }

    private static async Task<(string Folder, JsonObject Configuration)> PrepareAsync(string state)
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["Limits"]!["LookupTimeout"] = "2s";
        configuration["Policy"] = new JsonObject
        {
            ["Rules"] = new JsonArray(
                Rule("not the late", "cat", $"@{LateGroup}", deny: true), Rule("late", "*", LateUser), Rule("rest", "*", TestUsers.Alice)),
        };
        await SetAsync(folder, state);
        string source = Path.Combine(AppContext.BaseDirectory, "Hostile", "nss_late.c");
        await CProgram.BuildAsync(source, Path.Combine(folder, "libnss_pfalate.so.2"), "-shared", "-fPIC");
        await File.WriteAllTextAsync(Path.Combine(folder, "nsswitch.conf"), "passwd: files pfalate\ngroup: files pfalate\nshadow: files\n");
        return (folder, configuration);
    }

    private static Task<DaemonProcess> StartAsync(string folder, JsonObject configuration) =>
        ApartDaemon.StartAsync(folder, configuration, Before(folder));

    private static string[] Before(string folder) =>
    [
        $"bind {Path.Combine(folder, "nsswitch.conf")} /etc/nsswitch.conf", $"set LD_LIBRARY_PATH={folder}",
        $"set PFA_LATE={Path.Combine(folder, "state")}",
    ];

    private static Task SetAsync(string folder, string state) => File.WriteAllTextAsync(Path.Combine(folder, "state"), state);

    private static Task<string> KnownAsync(DaemonProcess daemon) => Crowd.UntilAsync(
        () => daemon.Log,
        log => log.Contains($"the user \"{LateUser}\" has the id", StringComparison.Ordinal)
            && log.Contains($"the group \"{LateGroup}\" has the id", StringComparison.Ordinal),
        TimeSpan.FromSeconds(60), "the names are not known");

    private static int Count(DaemonProcess daemon, string text) => daemon.Log.Split(text).Length - 1;

    private static JsonObject Rule(string name, string job, string target, bool deny = false) => new()
    {
        ["Name"] = name,
        ["Callers"] = new JsonArray("root"),
        ["Jobs"] = new JsonArray(job),
        ["As"] = new JsonArray(target),
        ["Deny"] = deny,
    };
}
