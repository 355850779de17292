using System.Globalization;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd.Memory;

/// <summary>What the runtime holds of types, and code, are huge pages in a job host, which every worker shares: no way of a job writes to them.</summary>
public sealed class HugePagesTests
{
    private const string Code = "/memfd:pipeforkas-code";

    private const string NoHugePages = "the system gives no huge page: no transparent huge pages, before Linux 6.1, or no free memory in one piece";

    [Fact(Timeout = Bound.Test)]
    public async Task Jobs_leave_the_huge_page_of_the_job_host_whole()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Assert.SkipWhen(!await GivesHugePagesAsync(daemon), NoHugePages);
        Dictionary<int, long> before = Hosts(daemon, "AnonHugePages:");
        Assert.All(before.Values, bytes => Assert.NotEqual(0, bytes));

        await RunInBothHostsAsync(daemon);

        Assert.Equal(before, Hosts(daemon, "AnonHugePages:"));
        Assert.Equal(0, await daemon.StopAsync());
    }

    /// <summary>It is code that each worker runs, of all users: nobody may write to it, whatever gets hold of it.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task Code_is_a_sealed_copy_in_huge_pages()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Assert.SkipWhen(!await GivesHugePagesAsync(daemon, "of a file in memory"), NoHugePages);
        Dictionary<int, long> before = Hosts(daemon, "ShmemPmdMapped:");
        Assert.All(before.Values, bytes => Assert.NotEqual(0, bytes));
        foreach (int host in before.Keys)
        {
            string mapping = Assert.Single(CodeMappings(host));
            Assert.Contains(" r-xp ", mapping);
            Assert.DoesNotContain(Directory.EnumerateFileSystemEntries($"/proc/{host}/fd"), entry => File.ResolveLinkTarget(entry, false)?.FullName.Contains(Code, StringComparison.Ordinal) == true);

            // Root finds a way to open it, and writes nothing all the same.
            using var file = new FileStream($"/proc/{host}/map_files/{mapping.Split(' ')[0]}", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0);
            Assert.Throws<UnauthorizedAccessException>(() => file.Write([0]));
        }

        await RunInBothHostsAsync(daemon);

        Assert.Equal(before, Hosts(daemon, "ShmemPmdMapped:"));
        Assert.Equal(0, await daemon.StopAsync());
    }

    private static async Task<bool> GivesHugePagesAsync(DaemonProcess daemon, params string[] ofWhat)
    {
        string probe = Path.Combine(daemon.Folder, "collapse");
        await Tool.MustAsync("cc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", probe, Path.Combine(AppContext.BaseDirectory, "Memory", "collapse.c"));
        return (await Tool.RunAsync([probe, .. ofWhat])).ExitCode == 0;
    }

    private static async Task RunInBothHostsAsync(DaemonProcess daemon)
    {
        for (int i = 0; i < 20; i++)
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, i % 2 == 0 ? "self" : "id")).End.Code);
    }

    private static IEnumerable<string> CodeMappings(int pid) => File.ReadLines($"/proc/{pid}/maps").Where(line => line.Contains(Code, StringComparison.Ordinal));

    private static Dictionary<int, long> Hosts(DaemonProcess daemon, string kind) => ProcFs.Children(daemon.Pid).ToDictionary(host => host, host => Huge(host, kind));

    /// <summary>Bytes of a process's memory that are huge pages; proc_pid_smaps(5).</summary>
    private static long Huge(int pid, string kind) => 1024 * File.ReadLines($"/proc/{pid}/smaps").Where(line => line.StartsWith(kind, StringComparison.Ordinal))
        .Sum(line => long.Parse(line[kind.Length..^2], CultureInfo.InvariantCulture));
}
