using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>
/// Jobs that wait in the kernel for a file system that never answers: no signal ends them. Their user has no more of them than it may have
/// jobs.
/// </summary>
public sealed class UnkillableJobTests
{
    private const int MaxJobsPerUid = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory(Timeout = Bound.Test)]
    [InlineData("off")]
    [InlineData("required")]
    public async Task Jobs_that_cannot_be_killed_count_until_they_are_gone(string cgroup)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(configuration =>
        {
            configuration["Limits"]!["Cgroup"] = cgroup;
            configuration["Limits"]!["KillGrace"] = "00:00:00";
            configuration["Limits"]!["QueueTimeout"] = "00:00:00.5";
            configuration["Limits"]!["MaxJobsPerUid"] = MaxJobsPerUid;
            configuration["Commands"]!["open"] = new JsonObject
            {
                ["Command"] = new JsonArray("/bin/cat", "--", "{path}"),
                ["Parameters"] = new JsonObject { ["path"] = new JsonObject { ["Type"] = "string" } },
            };
        });
        await using (HangingFiles files = await HangingFiles.MountAsync(TestUsers.Alice, "open"))
        {
            string request = $$$"""{"job":"open","args":{"path":"{{{files.File}}}"},"timeout":0.1}""";
            string[] first = await AskAsync(daemon, request, MaxJobsPerUid);
            Assert.All(first, reply => Assert.Contains("timeout", reply));

            // Without control groups a process that has lost its parent may be taken for another job's of the same user: a few more run before all count.
            int most = cgroup == "off" ? 8 * MaxJobsPerUid : MaxJobsPerUid;
            await Crowd.UntilAsync(
                () => AskAsync(daemon, request, MaxJobsPerUid).GetAwaiter().GetResult(),
                replies => Array.TrueForAll(replies, static reply => reply.Contains("busy", StringComparison.Ordinal)), Patience, "jobs still run");
            int left = ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]).Count(pid => ProcFs.Stat(pid) is { State: 'D' });
            Assert.InRange(left, MaxJobsPerUid, most);
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id", user: TestUsers.Bob)).End.Code);
        }

        await Crowd.UntilAsync(() => ProcFs.OfUsers([TestUsers.Entry(TestUsers.Alice).Uid]).Count, count => count == 0, Patience, "processes");
        await Crowd.UntilAsync(
            () => AskAsync(daemon, """{"job":"id"}""", 1).GetAwaiter().GetResult()[0], reply => reply.StartsWith("uid=", StringComparison.Ordinal), Patience, "no job runs");
        Assert.Equal(0, await daemon.StopAsync());
    }

    private static async Task<string[]> AskAsync(DaemonProcess daemon, string request, int count) =>
        await Task.WhenAll(Enumerable.Range(0, count).Select(async _ => (await Tool.RunAsAsync(TestUsers.Alice, Client(daemon), Line(request))).Text));

    private static string[] Client(DaemonProcess daemon) => ["socat", "-t", "30", "-", $"UNIX-CONNECT:{daemon.Socket}"];

    private static byte[] Line(string request) => System.Text.Encoding.UTF8.GetBytes(request + "\n");
}
