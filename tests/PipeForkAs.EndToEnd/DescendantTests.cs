using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests that no descendant of a job outlives it, with control groups and without.</summary>
[Trait("Takes", "long")]
public sealed class DescendantTests : IAsyncDisposable
{
    private const int Descendants = 400;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static TheoryData<string, string> Ways => new()
    {
        { "required", "keep" },
        { "required", "undo" },
        { "required", "keep hop" },
        { "off", "keep" },
        { "off", "undo" },
        { "off", "keep hop" },
    };

    /// <summary>
    /// Leftovers of a failed test must not fail the next one, nor zombies that PID 1 has not reaped yet, which count for RLIMIT_NPROC.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        UserId alice = TestUsers.Entry(TestUsers.Alice).Uid;
        Leftovers.KillAll(alice);
        long begun = Stopwatch.GetTimestamp();
        while (ProcFs.HasAny(alice) && Stopwatch.GetElapsedTime(begun) < Patience)
            await Task.Delay(100);
    }

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Ways))]
    public async Task Hundreds_of_sessions_that_ignore_SIGTERM_end_at_a_timeout(string cgroup, string way)
    {
        await using DaemonProcess daemon = await StartAsync(cgroup);

        Task<FramedReply> reply = RunAsync(daemon, "wait", way, ""","timeout":6""");
        await Bound.UntilAsync(() => Living().Count > Descendants, () => $"{Living().Count} processes, not {Descendants}; {daemon.Log}");

        Assert.Equal(ReplyCode.Timeout, (await reply).End.Code);
        await GoneAsync(daemon);
    }

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Ways))]
    public async Task Hundreds_of_sessions_that_ignore_SIGTERM_end_when_the_client_disconnects(string cgroup, string way)
    {
        await using DaemonProcess daemon = await StartAsync(cgroup);

        using (Socket client = await Crowd.SendAsync(daemon, Line(daemon, "wait", way)))
            await Bound.UntilAsync(
                () => Living().Count > Descendants, () => $"{Living().Count} processes, not {Descendants}; {daemon.Log}");

        await GoneAsync(daemon);
    }

    [Theory(Timeout = Bound.Test)]
    [MemberData(nameof(Ways))]
    public async Task Hundreds_of_sessions_end_when_the_job_ends_by_itself(string cgroup, string way)
    {
        await using DaemonProcess daemon = await StartAsync(cgroup);

        FramedReply reply = await RunAsync(daemon, "exit", way);

        Assert.Equal((ReplyCode.Ok, "ready\n"), (reply.End.Code, reply.Text));
        await GoneAsync(daemon);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("required")]
    [InlineData("off")]
    public async Task Processes_of_a_running_job_do_not_end_with_another_job_of_the_same_user(string cgroup)
    {
        await using DaemonProcess daemon = await StartAsync(cgroup);
        using Socket client = await Crowd.SendAsync(daemon, Line(daemon, "wait", "keep"));
        await Crowd.WaitForAsync(client, "ready");
        Assert.Equal(Descendants + 2, Living().Count); // The worker and the program.

        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "scatter-exit-keep-few")).End.Code);
        await Bound.UntilAsync(() => Living().Count <= Descendants + 2, () => $"{Living().Count} processes");

        Assert.Equal(Descendants + 2, Living().Count);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_job_has_its_own_control_group_that_it_cannot_change_and_that_is_removed_after_it()
    {
        await using DaemonProcess daemon = await StartAsync("required");
        string root = Root(daemon);

        string[] groups = [(await GroupAsync()).Text, (await GroupAsync()).Text];

        Assert.All(groups, group => Assert.Matches("^0::.*/pipeforkas-[0-9a-f]{16}/job-[0-9]+\n", group));
        Assert.NotEqual(groups[0], groups[1]);
        Assert.All(groups, group => Assert.EndsWith("\ndenied\n", group));

        // Waiting workers already have their own; nothing else is left.
        await Bound.UntilAsync(
            () => Directory.GetDirectories(root, "job-*").Length == ProcFs.Children(daemon.Pid).Sum(host => ProcFs.Children(host).Count),
            () => string.Join(", ", Directory.GetDirectories(root)));
        Assert.Equal(0, await daemon.StopAsync());
        Assert.False(Directory.Exists(root));

        Task<FramedReply> GroupAsync() => RawClient.RunAsync(daemon, "group");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_delegated_control_group_is_used_by_default_and_the_daemon_moves_out_of_its_root()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        Configure(configuration, "auto");
        string mountPoint = File.ReadLines("/proc/self/mountinfo").First(
            line => line.Contains(" - cgroup2 ", StringComparison.Ordinal)).Split(' ')[4];
        string group = $"{mountPoint}/{Path.GetFileName(folder)}", program = Path.Combine(folder, "delegated");
        await CProgram.BuildAsync(Path.Combine(AppContext.BaseDirectory, "Hostile", "delegated.c"), program);
        await File.WriteAllLinesAsync($"{program}.group", [group, NativeBuild.Daemon]);
        try
        {
            await using DaemonProcess daemon = DaemonProcess.Launch(folder, configuration, program);
            await Crowd.ListeningAsync(daemon);

            Assert.Equal(group, Root(daemon));
            Assert.Empty(await File.ReadAllTextAsync($"{group}/cgroup.procs"));

            // A worker is also there until it has its own group.
            string[] there = [];
            await Bound.UntilAsync(
                () => (there = File.ReadAllLines($"{group}/daemon/cgroup.procs")).Select(int.Parse).Order().SequenceEqual(
                    ProcFs.Children(daemon.Pid).Append(daemon.Pid).Order()),
                () => $"in the daemon's group are {string.Join(", ", there)}");
            Assert.Matches($"^0::.*/{Path.GetFileName(folder)}/job-[0-9]+\n", (await RawClient.RunAsync(daemon, "group")).Text);
            Assert.Equal(ReplyCode.Ok, (await RunAsync(daemon, "exit", "undo")).End.Code);
            await GoneAsync(daemon);
            Assert.Equal([$"{group}/daemon"], Directory.GetDirectories(group));
        }
        finally
        {
            await Bound.UntilAsync(() => Libc.rmdir($"{group}/daemon") && Libc.rmdir(group), () => $"{group} is in use");
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_next_daemon_ends_the_leftovers_of_a_killed_one()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        Configure(configuration, "required");
        DaemonProcess first = DaemonProcess.Launch(folder, configuration);
        await Crowd.ListeningAsync(first);
        string root = Root(first);
        using Socket client = await Crowd.SendAsync(first, Line(first, "wait", "keep"));
        await Crowd.WaitForAsync(client, "ready");
        Libc.kill(new ProcessId(first.Pid), Signal.SIGKILL);
        await first.EndedAsync();
        await Bound.UntilAsync(() => Living().Count == Descendants, () => $"{Living().Count} processes");

        await using DaemonProcess second = DaemonProcess.Launch(folder, configuration);
        await Crowd.ListeningAsync(second);

        Assert.Equal(root, Root(second));
        Assert.Empty(Living());
        Assert.Equal(0, await second.StopAsync());
        Assert.False(Directory.Exists(root));
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Two_daemons_never_share_a_control_group()
    {
        await using DaemonProcess first = await StartAsync("required");

        DaemonProcess second = DaemonProcess.Launch(first.Folder, "--config", Path.Combine(first.Folder, "pipeforkas.json"));

        Assert.Equal(1, await second.EndedAsync());
        Assert.Contains("another daemon uses the control group", second.Log);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(first, "id")).End.Code);
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Without_a_delegated_control_group_the_log_describes_the_fallback_once()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();

        await RawClient.RunAsync(daemon, "id");

        Assert.Equal(2, daemon.Log.Split("no control groups: ").Length);
        Assert.Contains("Delegate=yes", daemon.Log);
    }

    private static Task<DaemonProcess> StartAsync(string cgroup) =>
        DaemonProcess.StartAsync(configuration => Configure(configuration, cgroup));

    private static void Configure(JsonObject configuration, string cgroup)
    {
        string folder = Path.GetDirectoryName(configuration["Socket"]!["Path"]!.GetValue<string>())!;
        string program = Path.Combine(folder, "scatter");
        CProgram.BuildAsync(Path.Combine(AppContext.BaseDirectory, "Hostile", "scatter.c"), program).GetAwaiter().GetResult();
        configuration["Limits"]!["Cgroup"] = cgroup;
        configuration["Limits"]!["KillGrace"] = "00:00:00.5";
        var commands = (JsonObject)configuration["Commands"]!;
        foreach (string end in new[] { "wait", "exit" })
        {
            foreach (string way in new[] { "keep", "keep hop" })
                commands[Job(end, way)] =
                    new JsonObject { ["Command"] = new JsonArray([program, $"{Descendants}", end, .. way.Split(' ')]) };
        }

        commands["scatter-exit-keep-few"] = new JsonObject { ["Command"] = new JsonArray(program, "10", "exit", "keep") };
        const string Leave =
            "cat /proc/self/cgroup | grep ^0::; d=$(dirname $(grep ' cgroup2 ' /proc/self/mountinfo | cut -d' ' -f5)/x)$(grep ^0:: "
            + "/proc/self/cgroup | cut -c4-); (echo $$ >$d/../daemon/cgroup.procs || echo $$ >$d/../../cgroup.procs || mkdir $d/sub || "
            + "echo 0 >$d/cgroup.kill) 2>/dev/null && echo moved || echo denied";
        commands["group"] = new JsonObject { ["Command"] = new JsonArray("/bin/sh", "-c", Leave) };
    }

    private static string Job(string end, string way) => $"scatter-{end}-{way.Replace(' ', '-')}";

    private static Task<FramedReply> RunAsync(DaemonProcess daemon, string end, string way, string more = "") =>
        RawClient.FramesAsync(daemon, Line(daemon, end, way, $""","reply":"frames"{more}"""));

    /// <summary>A command; or a function that executes the program, which is then the child subreaper and can undo that.</summary>
    private static string Line(DaemonProcess daemon, string end, string way, string more = "")
    {
        if (way != "undo")
            return $$"""{"job":"{{Job(end, way)}}","user":"{{TestUsers.Alice}}"{{more}}}""";
        string arguments = $$"""{"command":["{{daemon.Folder}}/scatter","{{Descendants}}","{{end}}","undo"]}""";
        return $$"""{"job":"become","user":"{{TestUsers.Alice}}","args":{{arguments}}{{more}}}""";
    }

    /// <summary>The directory of the daemon's control group, as it logged it.</summary>
    private static string Root(DaemonProcess daemon) => daemon.Log.Split("has a control group below ")[1].Split(';')[0];

    private static async Task GoneAsync(DaemonProcess daemon)
    {
        await Crowd.UntilAsync(() => Living().Count, count => count == 0, TimeSpan.FromSeconds(30), "processes are still alive");
        Assert.DoesNotContain("cannot be killed", daemon.Log);
        Assert.Equal(0, await daemon.StopAsync());
    }

    private static IReadOnlyList<int> Living() => ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]);
}
