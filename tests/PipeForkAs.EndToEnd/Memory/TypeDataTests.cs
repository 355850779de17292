using System.Globalization;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd.Memory;

/// <summary>What the runtime holds of types is a huge page in a job host, which every worker shares: no way of a job writes to it.</summary>
public sealed class TypeDataTests
{
    private const string HugePages = "AnonHugePages:";

    [Fact(Timeout = Bound.Test)]
    public async Task Jobs_leave_the_huge_page_of_the_job_host_whole()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        string probe = Path.Combine(daemon.Folder, "collapse");
        await Tool.MustAsync("cc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", probe, Path.Combine(AppContext.BaseDirectory, "Memory", "collapse.c"));
        Assert.SkipWhen((await Tool.RunAsync([probe])).ExitCode != 0, "the system gives no huge page: no transparent huge pages, before Linux 6.1, or no free memory in one piece");
        Dictionary<int, long> before = ProcFs.Children(daemon.Pid).ToDictionary(host => host, Huge);
        Assert.All(before.Values, bytes => Assert.NotEqual(0, bytes));

        // Of both job hosts.
        for (int i = 0; i < 20; i++)
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, i % 2 == 0 ? "self" : "id")).End.Code);

        Assert.Equal(before, before.Keys.ToDictionary(host => host, Huge));
        Assert.Equal(0, await daemon.StopAsync());
    }

    /// <summary>Bytes of a process's memory that are huge pages; proc_pid_smaps(5).</summary>
    private static long Huge(int pid) => 1024 * File.ReadLines($"/proc/{pid}/smaps").Where(line => line.StartsWith(HugePages, StringComparison.Ordinal))
        .Sum(line => long.Parse(line[HugePages.Length..^2], CultureInfo.InvariantCulture));
}
