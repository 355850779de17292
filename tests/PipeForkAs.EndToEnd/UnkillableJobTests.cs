using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// Tests jobs that wait in the kernel for a file system that never answers: no signal ends them. Each of them counts as a job of its user.
/// </summary>
public sealed class UnkillableJobTests
{
    private const int MaxJobsPerUid = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory(Timeout = Bound.Test)]
    [InlineData("off")]
    [InlineData("required")]
    public async Task Jobs_that_cannot_be_killed_count_until_they_end(string cgroup)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(made => Configure(made, cgroup, MaxJobsPerUid));
        await using (HangingFiles files = await HangingFiles.MountAsync(TestUsers.Alice, "open"))
        {
            string request = OpenAt(files);
            string[] first = await AskAsync(daemon, request, MaxJobsPerUid);
            Assert.All(first, reply => Assert.Contains("timeout", reply));

            // Without control groups an orphan may be attributed to another job of the same user, so a few more run before all count.
            int most = cgroup == "off" ? 8 * MaxJobsPerUid : MaxJobsPerUid;
            await Crowd.UntilAsync(
                () => AskAsync(daemon, request, MaxJobsPerUid).GetAwaiter().GetResult(),
                replies => Array.TrueForAll(replies, static reply => reply.Contains("busy", StringComparison.Ordinal)), Patience,
                "jobs still run");
            int left = ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]).Count(pid => ProcFs.Stat(pid) is { State: 'D' });
            Assert.InRange(left, MaxJobsPerUid, most);
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id", user: TestUsers.Bob)).End.Code);
        }

        await Crowd.UntilAsync(
            () => ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]).Count, count => count == 0, Patience, "processes");
        await Crowd.UntilAsync(
            () => AskAsync(daemon, """{"job":"id"}""", 1).GetAwaiter().GetResult()[0],
            reply => reply.StartsWith("uid=", StringComparison.Ordinal), Patience, "no job runs");
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_start_does_not_wait_for_leftovers_of_a_killed_daemon_but_counts_them()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        Configure(configuration, "required", maxJobsPerUid: 1);
        DaemonProcess first = DaemonProcess.Launch(folder, configuration);
        await Crowd.ListeningAsync(first);
        DaemonProcess second;
        await using (HangingFiles files = await HangingFiles.MountAsync(TestUsers.Alice, "open"))
        {
            Assert.Contains("timeout", (await AskAsync(first, OpenAt(files), 1))[0]);
            Libc.kill(new ProcessId(first.Pid), Signal.SIGKILL);
            await first.EndedAsync();
            second = DaemonProcess.Launch(folder, configuration);
            await Crowd.ListeningAsync(second);

            // After 5 s the log says that it cannot be killed.
            Assert.DoesNotContain("cannot be killed", second.Log);
            await Crowd.UntilAsync(
                () => AskAsync(second, """{"job":"id"}""", 1).GetAwaiter().GetResult()[0],
                static reply => reply.Contains("busy", StringComparison.Ordinal), Patience, "the job that is left does not count");
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(second, "id", user: TestUsers.Bob)).End.Code);
        }

        await using DaemonProcess stopped = second;
        await Crowd.UntilAsync(
            () => AskAsync(second, """{"job":"id"}""", 1).GetAwaiter().GetResult()[0],
            static reply => reply.StartsWith("uid=", StringComparison.Ordinal), Patience, "no job runs");
        Assert.Equal(0, await second.StopAsync());
    }

    private static void Configure(JsonObject configuration, string cgroup, int maxJobsPerUid)
    {
        configuration["Limits"]!["Cgroup"] = cgroup;
        configuration["Limits"]!["KillGrace"] = "00:00:00";
        configuration["Limits"]!["QueueTimeout"] = "00:00:00.5";
        configuration["Limits"]!["MaxJobsPerUid"] = maxJobsPerUid;
        configuration["Commands"]!["open"] = new JsonObject
        {
            ["Command"] = new JsonArray("/bin/cat", "--", "{path}"),
            ["Parameters"] = new JsonObject { ["path"] = new JsonObject { ["Type"] = "string" } },
        };
    }

    private static string OpenAt(HangingFiles files) => $$$"""{"job":"open","args":{"path":"{{{files.File}}}"},"timeout":0.1}""";

    private static async Task<string[]> AskAsync(DaemonProcess daemon, string request, int count) =>
        await Task.WhenAll(
            Enumerable.Range(0, count).Select(async _ => (await Tool.RunAsAsync(TestUsers.Alice, Client(daemon), Line(request))).Text));

    private static string[] Client(DaemonProcess daemon) => ["socat", "-t", "30", "-", $"UNIX-CONNECT:{daemon.Socket}"];

    private static byte[] Line(string request) => System.Text.Encoding.UTF8.GetBytes(request + "\n");
}
