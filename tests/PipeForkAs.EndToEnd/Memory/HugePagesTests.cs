using System.Globalization;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd.Memory;

/// <summary>
/// Tests that type data and code of the runtime are in huge pages of a job host, which all workers share, and that no job can write to
/// them.
/// </summary>
public sealed class HugePagesTests
{
    private const string Code = "/memfd:pipeforkas-code";

    [Fact(Timeout = Bound.Test)]
    public async Task Jobs_do_not_split_the_huge_page_of_the_job_host()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Assert.SkipWhen(
            !await GivesHugePagesAsync(daemon),
            "the system gives no huge page: no transparent huge pages, before Linux 6.1, or no free memory in one piece");
        Dictionary<int, long> before = Hosts(daemon, "AnonHugePages:");
        Assert.All(before.Values, bytes => Assert.NotEqual(0, bytes));

        await RunInBothHostsAsync(daemon);

        Assert.Equal(before, Hosts(daemon, "AnonHugePages:"));
        Assert.Equal(0, await daemon.StopAsync());
    }

    /// <summary>Workers of all users run this code, so no process may write to it, or remove it, even with a descriptor of it.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task Code_is_a_sealed_copy_in_huge_pages()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        Assert.SkipWhen(
            !await GivesHugePagesAsync(daemon, "of a file in memory"),
            "the system gives no huge page of a file in memory: it needs Linux 6.1, transparent huge pages and enough free memory");
        await RunInBothHostsAsync(daemon);

        foreach (int host in ProcFs.Children(daemon.Pid))
        {
            string mapping = Assert.Single(CodeMappings(host));
            Assert.Contains(" r-xp ", mapping);
            Assert.NotEqual(0, Sum(host, mapping, "ShmemPmdMapped:"));
            Assert.Equal(0, Sum(host, mapping, "Anonymous:"));

            // Even root, which can open it, cannot change it.
            using var file = new FileStream(
                $"/proc/{host}/map_files/{mapping.Split(' ')[0]}", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0);
            Assert.Throws<UnauthorizedAccessException>(() => file.Write([0]));
            Assert.Throws<UnauthorizedAccessException>(() => file.SetLength(0));
            Assert.Throws<UnauthorizedAccessException>(() => file.SetLength(2 * file.Length));
        }

        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Without_a_copy_the_code_is_mapped_from_the_file()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(configuration =>
        {
            string host = Path.Combine(Path.GetDirectoryName(configuration["Socket"]!["Path"]!.GetValue<string>())!, "host");
            File.WriteAllText(host, $"#!/bin/sh\nulimit -f 2048\nexec {NativeBuild.TestJobs} \"$@\"\n");
            Libc.chmod(host, 0x1ED); // 0755
            configuration["JobHosts"] = new JsonArray(new JsonObject { ["Path"] = host });
        });

        Assert.Empty(CodeMappings(Assert.Single(ProcFs.Children(daemon.Pid))));
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "self")).End.Code);
        Assert.Equal(0, await daemon.StopAsync());
    }

    private static async Task<bool> GivesHugePagesAsync(DaemonProcess daemon, params string[] ofWhat)
    {
        string probe = Path.Combine(daemon.Folder, "collapse");
        await CProgram.BuildAsync(Path.Combine(AppContext.BaseDirectory, "Memory", "collapse.c"), probe);
        return (await Tool.RunAsync([probe, .. ofWhat])).ExitCode == 0;
    }

    private static async Task RunInBothHostsAsync(DaemonProcess daemon)
    {
        for (int i = 0; i < 20; i++)
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, i % 2 == 0 ? "self" : "id")).End.Code);
    }

    private static IEnumerable<string> CodeMappings(int pid) =>
        File.ReadLines($"/proc/{pid}/maps").Where(line => line.Contains(Code, StringComparison.Ordinal));

    /// <summary>Bytes of one kind in the memory of the job hosts; proc_pid_smaps(5).</summary>
    private static Dictionary<int, long> Hosts(DaemonProcess daemon, string kind) =>
        ProcFs.Children(daemon.Pid).ToDictionary(host => host, host => Sum(File.ReadLines($"/proc/{host}/smaps"), kind));

    /// <summary>The same for one mapping, named as in proc_pid_maps(5).</summary>
    private static long Sum(int pid, string mapping, string kind) =>
        Sum(File.ReadLines($"/proc/{pid}/smaps").SkipWhile(line => line != mapping).Skip(1).TakeWhile(
            line => !line.StartsWith("VmFlags:", StringComparison.Ordinal)), kind);

    private static long Sum(IEnumerable<string> lines, string kind) =>
        1024 * lines.Where(line => line.StartsWith(kind, StringComparison.Ordinal))
        .Sum(line => long.Parse(line[kind.Length..^2], CultureInfo.InvariantCulture));
}
