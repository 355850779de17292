using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// Processes of a job that make themselves children of the job host, by clone(2) with CLONE_PARENT, or take uids that no job has, end
/// with the job.
/// </summary>
[Trait("Takes", "long")]
public sealed class SiblingProcessTests : IAsyncDisposable
{
    /// <summary>The first of the uids that a mapping gives to jobs here, as newuidmap(1) does.</summary>
    private static readonly uint SubordinateIds = TestUsers.FirstUnusedUid;

    private const int Many = 100;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static UserId[] JobUsers => [TestUsers.Entry(TestUsers.Alice).Uid, new UserId(SubordinateIds + 4)];

    public async ValueTask DisposeAsync()
    {
        foreach (UserId user in JobUsers)
            Leftovers.KillAll(user);
        await Crowd.UntilAsync(() => ProcFs.OfUsers(JobUsers).Count, count => count == 0, Patience, "processes");
    }

    /// <summary>Those of a command are children of its worker.</summary>
    [Theory(Timeout = Bound.Test)]
    [InlineData("off", "command")]
    [InlineData("off", "function")]
    [InlineData("off", "sandbox")]
    [InlineData("required", "command")]
    [InlineData("required", "function")]
    [InlineData("required", "sandbox")]
    public async Task Living_children_of_the_job_host_end_with_the_job_that_made_them(string cgroup, string maker)
    {
        await using DaemonProcess daemon = await StartAsync(cgroup);

        Assert.Equal("ready\n", await RunAsync(daemon, maker, live: true, count: 5));

        await NothingIsLeftAsync(daemon);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("off", "command")]
    [InlineData("off", "function")]
    [InlineData("off", "sandbox")]
    [InlineData("required", "command")]
    [InlineData("required", "function")]
    [InlineData("required", "sandbox")]
    public async Task Children_of_the_job_host_that_have_ended_keep_no_process_id(string cgroup, string maker)
    {
        await using DaemonProcess daemon = await StartAsync(cgroup);

        for (int i = 0; i < 3; i++)
            Assert.Equal("ready\n", await RunAsync(daemon, maker, live: false, count: Many));

        await NothingIsLeftAsync(daemon);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("off")]
    [InlineData("required")]
    public async Task Children_of_the_job_host_are_ended_while_the_job_runs_on(string cgroup)
    {
        await using DaemonProcess daemon = await StartAsync(cgroup);
        string program = Path.Combine(daemon.Folder, "parented");
        string arguments = $$"""{"command":["{{program}}","live","5","wait"]}""";
        using Socket client = await Crowd.SendAsync(daemon, $$"""{"job":"become","user":"{{TestUsers.Alice}}","args":{{arguments}} }""");
        await Crowd.WaitForAsync(client, "ready");

        await Crowd.UntilAsync(() => ProcFs.OfUsers(JobUsers).Count, count => count == 1, Patience, "processes beside the job's first one");

        Assert.False(client.Poll(0, SelectMode.SelectRead), "the job ended");
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("off")]
    [InlineData("required")]
    public async Task A_child_of_the_job_host_that_forks_again_and_again_ends_with_its_job(string cgroup)
    {
        await using DaemonProcess daemon = await StartAsync(cgroup);

        Assert.Equal("ready\n", (await RawClient.RunAsync(daemon, "hop-end")).Text);

        await NothingIsLeftAsync(daemon);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("off", "chain-end")]
    [InlineData("off", "threads-end")]
    [InlineData("required", "chain-end")]
    [InlineData("required", "threads-end")]
    public async Task Children_of_the_job_host_end_whoever_made_them_and_however_often(string cgroup, string job)
    {
        await using DaemonProcess daemon = await StartAsync(cgroup);

        for (int i = 0; i < 3; i++)
            Assert.Equal("ready\n", (await RawClient.RunAsync(daemon, job)).Text);

        await NothingIsLeftAsync(daemon);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("off")]
    [InlineData("required")]
    public async Task Processes_whose_first_thread_has_ended_end_with_the_job_that_made_them(string cgroup)
    {
        await using DaemonProcess daemon = await StartAsync(cgroup);

        Assert.Equal("ready\n", (await RawClient.RunAsync(daemon, "headless-end")).Text);

        await NothingIsLeftAsync(daemon);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("off", "ids-end")]
    [InlineData("off", "orphans-end")]
    [InlineData("required", "ids-end")]
    [InlineData("required", "orphans-end")]
    public async Task Processes_of_a_uid_that_no_job_has_end_with_the_job_that_made_them(string cgroup, string job)
    {
        await using DaemonProcess daemon = await StartAsync(cgroup);
        using Socket client = await Crowd.SendAsync(daemon, $$"""{"job":"{{job}}","user":"{{TestUsers.Alice}}"}""");
        int mapped = await Crowd.UntilAsync(
            () => ProcFs.Descendants(daemon.Pid).FirstOrDefault(IsUnmapped), pid => pid != 0, Patience, "a process without a mapping");
        PasswordEntry alice = TestUsers.Entry(TestUsers.Alice);
        await File.WriteAllTextAsync($"/proc/{mapped}/uid_map", $"0 {alice.Uid} 1\n1 {SubordinateIds} 1000\n");
        await File.WriteAllTextAsync($"/proc/{mapped}/gid_map", $"0 {alice.Gid} 1\n1 {SubordinateIds} 1000\n");
        await Crowd.WaitForAsync(client, "ready");

        await NothingIsLeftAsync(daemon);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("off")]
    [InlineData("required")]
    public async Task Children_of_the_job_host_for_root_end_too(string cgroup)
    {
        await using DaemonProcess daemon = await StartAsync(cgroup);
        string program = Path.Combine(daemon.Folder, "parented");

        Assert.Equal("ready\n", (await RawClient.RunAsync(daemon, "live-end", user: "root")).Text);

        await Crowd.UntilAsync(() => ProcFs.Mentioning(program).Count, count => count == 0, Patience, "processes of root's job");
        await NothingIsLeftAsync(daemon);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("off")]
    [InlineData("required")]
    [Trait("Needs", "quiet")]
    public async Task Many_jobs_that_end_at_once_leave_nothing_and_delay_nobody(string cgroup)
    {
        await using DaemonProcess daemon = await StartAsync(cgroup);
        string scatter = Path.Combine(daemon.Folder, "scatter");
        string[] bystanders = [$"--reuid={TestUsers.Entry(TestUsers.Bob).Uid}", "--clear-groups", scatter, "3000", "wait", "keep"];
        using Process crowd = Process.Start(new ProcessStartInfo("setpriv", bystanders) { RedirectStandardOutput = true })!;
        try
        {
            Assert.Equal("ready", await crowd.StandardOutput.ReadLineAsync());
            using var enough = new CancellationTokenSource();
            Task jobs = Task.WhenAll(Enumerable.Range(0, 30).Select(async _ =>
            {
                while (!enough.IsCancellationRequested)
                    await RawClient.TextAsync(daemon, $$"""{"job":"leave-orphan","user":"{{TestUsers.Alice}}"}""");
            }));
            await Bystander.IsNotDelayedAsync(daemon, TimeSpan.FromSeconds(3));

            await enough.CancelAsync();
            await jobs;
            await NothingIsLeftAsync(daemon);
        }
        finally
        {
            Leftovers.KillAll(TestUsers.Entry(TestUsers.Bob).Uid);
            await crowd.WaitForExitAsync();
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task The_profile_of_calls_forbids_a_job_to_make_them()
    {
        await using DaemonProcess daemon = await StartAsync("off");

        Assert.Equal("refused\n", (await RawClient.RunAsync(daemon, "make-siblings-calls", """{"count":1,"live":true}""")).Text);
        Assert.Equal("refused 1\n", (await RawClient.RunAsync(daemon, "live-calls")).Text);
    }

    private static async Task<string> RunAsync(DaemonProcess daemon, string maker, bool live, int count)
    {
        string arguments = $$"""{"count":{{count}},"live":{{(live ? "true" : "false")}}}""";
        FramedReply reply = maker switch
        {
            "command" => await RawClient.RunAsync(daemon, live ? "live-end" : "dead-end"),
            "function" => await RawClient.RunAsync(daemon, "make-siblings", arguments),
            _ => await RawClient.RunAsync(daemon, "make-siblings-network", arguments),
        };
        Assert.Equal(ReplyCode.Ok, reply.End.Code);
        return reply.Text;
    }

    private static Task<DaemonProcess> StartAsync(string cgroup) => DaemonProcess.StartAsync(configuration =>
    {
        string folder = Path.GetDirectoryName(configuration["Socket"]!["Path"]!.GetValue<string>())!;
        foreach (string name in new[] { "parented", "scatter" })
        {
            string source = Path.Combine(AppContext.BaseDirectory, "Hostile", $"{name}.c");
            CProgram.BuildAsync(source, Path.Combine(folder, name), "-static").GetAwaiter().GetResult();
        }

        configuration["Limits"]!["Cgroup"] = cgroup;
        var commands = (JsonObject)configuration["Commands"]!;
        foreach (string job in new[] { "live-end", "dead-end", "hop-end", "chain-end", "threads-end", "headless-end", "ids-end",
            "orphans-end" })
        {
            string[] words = job.Split('-');
            string count = words[0] == "dead" ? $"{Many}" : "5";
            commands[job] = new JsonObject { ["Command"] = new JsonArray(Path.Combine(folder, "parented"), words[0], count, words[1]) };
        }

        commands["live-calls"] = commands["live-end"]!.DeepClone();
        commands["live-calls"]!["Sandbox"] = new JsonObject { ["Seccomp"] = "default" };
        const string Leave = "setsid sleep 300 >/dev/null 2>&1 </dev/null &";
        commands["leave-orphan"] = new JsonObject { ["Command"] = new JsonArray("/bin/sh", "-c", Leave) };
        configuration["Policy"] = new JsonObject
        {
            ["Rules"] = new JsonArray(new JsonObject
            {
                ["Name"] = "all",
                ["Callers"] = new JsonArray("root"),
                ["Jobs"] = new JsonArray("*"),
                ["As"] = new JsonArray("*", "root"),
                ["AllowRoot"] = true,
            }),
        };
    });

    /// <summary>No process of a job, and no child of a job host but workers that wait.</summary>
    private static async Task NothingIsLeftAsync(DaemonProcess daemon)
    {
        await Crowd.UntilAsync(
            () => string.Join(", ", ProcFs.OfUsers(JobUsers).Select(ProcFs.CommandLine)), left => left.Length == 0, Patience, "processes");
        await Crowd.UntilAsync(
            () => daemon.JobHosts.SelectMany(ProcFs.Children).Count(child => ProcFs.Stat(child) is { State: 'Z' }),
            count => count == 0, Patience, "zombies");
        Assert.DoesNotContain("cannot be killed", daemon.Log);
        Assert.DoesNotContain("fail:", daemon.Log);
        Assert.Equal(0, await daemon.StopAsync());
    }

    private static bool IsUnmapped(int pid)
    {
        try
        {
            bool isParented = ProcFs.CommandLine(pid).Contains("parented", StringComparison.Ordinal);
            return isParented && File.ReadAllText($"/proc/{pid}/uid_map").Length == 0;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
