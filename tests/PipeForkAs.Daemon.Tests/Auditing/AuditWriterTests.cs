using System.Text;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Tests.Fakes;

namespace PipeForkAs.Daemon.Tests.Auditing;

/// <summary>Tests the thread that writes the audit file, on disks that are full or hang.</summary>
public sealed class AuditWriterTests : IAsyncDisposable
{
    private const string FullPath = "/full/audit";

    private readonly TemporaryFolder folder = new();
    private readonly LogLines log = new();
    private readonly ManualTime time = new();
    private readonly AuditWriter writer;

    public AuditWriterTests() => writer = new AuditWriter(log, time);

    [Fact]
    public async Task Records_survive_renames_and_changes_of_the_file_complete_and_in_order()
    {
        const int Records = 20_000;
        Use(folder.File("audit"));
        for (int i = 0; i < Records; i++)
        {
            Write(i);
            if (i % 1000 == 500)
            {
                File.Move(folder.File("audit"), folder.File($"audit.{i:00000}"), overwrite: true);
                writer.Reopen();
                await UntilAsync(() => File.Exists(folder.File("audit")));
            }
        }

        Use(folder.File("other"));
        Write(Records);
        await writer.EndAsync().WaitAsync(TimeSpan.FromSeconds(30));
        IEnumerable<string> renamed = Directory.GetFiles(folder.Path).Where(file => Path.HasExtension(file)).Order(StringComparer.Ordinal);
        string[] files = [.. renamed, folder.File("audit"), folder.File("other")];
        Assert.Equal(Enumerable.Range(0, Records + 1).Select(i => $"{i}"), files.SelectMany(File.ReadAllLines));
        Assert.Empty(log.Lines);
    }

    [Fact]
    public async Task A_hanging_disk_delays_no_request_and_gets_all_records_later()
    {
        using var disk = new FreezableDisk(folder.Path);
        string path = Path.Combine(disk.Path, "audit");
        Use(path, required: true);
        Write(0);
        await UntilAsync(() => writer.Count == 0);
        Assert.True(writer.IsHealthy);

        disk.Freeze();
        for (int i = 1; i < 100; i++)
            Write(i);
        writer.Reopen();
        Assert.True(writer.IsHealthy);
        time.Advance(AuditWriter.Patience + TimeSpan.FromSeconds(1));
        Assert.False(writer.IsHealthy);
        Assert.False(writer.IsHealthy);
        string problem = Assert.Single(log.Lines);
        Assert.Equal(
            $"the audit file {path} cannot be written: a record has waited for more than 5 s; no job runs until it can be written",
            problem);

        disk.Thaw();
        await UntilAsync(() => writer.IsHealthy);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"{i}"), await File.ReadAllLinesAsync(path));
        await SaidAsync($"the audit file {path} is written again; 0 records are missing in it");
        await writer.EndAsync().WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task The_number_of_waiting_records_is_bounded_and_the_lost_ones_are_counted()
    {
        using var disk = new FreezableDisk(folder.Path);
        string path = Path.Combine(disk.Path, "audit");
        Use(path);
        disk.Freeze();
        byte[] line = [.. Enumerable.Repeat((byte)'x', 64 * 1024 - 1), (byte)'\n'];
        for (int i = 0; i < 100; i++)
            writer.Write(line);
        Assert.Equal((64, 36L), (writer.Count, writer.Lost));
        Assert.False(writer.IsHealthy);
        string problem = Assert.Single(log.Lines);
        Assert.Equal(
            $"the audit file {path} cannot be written: 4194304 bytes of records are waiting already; requests are still served", problem);

        disk.Thaw();
        await UntilAsync(() => writer.IsHealthy);
        await SaidAsync($"the audit file {path} is written again; 36 records are missing in it");
        Assert.Equal(64 * line.Length, new FileInfo(path).Length);
        await writer.EndAsync().WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_stop_waits_for_a_slow_disk_but_not_for_a_failing_one()
    {
        using var disk = new FreezableDisk(folder.Path);
        Use(Path.Combine(disk.Path, "audit"));
        disk.Freeze();
        Write(1);
        Task ended = writer.EndAsync();
        await Task.Delay(300, TestContext.Current.CancellationToken);
        Assert.Equal((false, 1), (ended.IsCompleted, writer.Count));
        disk.Thaw();
        await ended.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, writer.Count);

        var full = new AuditWriter(log, time);
        full.Use(new AuditOptions { File = FullPath }, FullFile());
        full.Write("1\n"u8.ToArray());
        full.Write("2\n"u8.ToArray());
        await full.EndAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(2, full.Count);
    }

    [Fact]
    public async Task A_newly_configured_file_gets_the_records_that_waited_for_a_failing_one()
    {
        writer.Use(new AuditOptions { File = FullPath }, FullFile());
        Write(1);
        Write(2);
        await UntilAsync(() => log.Lines.Any(line => line.Contains("cannot be written: errno 28", StringComparison.Ordinal)));
        Assert.False(writer.IsHealthy);
        Use(folder.File("audit"));
        Write(3);
        await UntilAsync(() => writer.IsHealthy);
        Assert.Equal(["1", "2", "3"], await File.ReadAllLinesAsync(folder.File("audit")));

        writer.Use(new AuditOptions(), null);
        Write(4);
        await writer.EndAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal((0, 0L), (writer.Count, writer.Lost));
    }

    public async ValueTask DisposeAsync()
    {
        await writer.EndAsync().WaitAsync(TimeSpan.FromSeconds(30));
        folder.Dispose();
    }

    /// <summary>Writes to it fail with ENOSPC.</summary>
    private AuditFile FullFile()
    {
        string mount = folder.MakeFolder(Path.GetRandomFileName());
        Child.Run("/bin/mount", ["-t", "tmpfs", "-o", "size=4096,mode=0755", "tmpfs", mount]);
        string path = Path.Combine(mount, "audit");
        File.WriteAllBytes(path, new byte[4096]);
        LibC.Libc.chmod(path, 0x180);
        AuditFile file = AuditFile.Open(path);
        Child.Run("/bin/umount", ["-l", mount]);
        return file;
    }

    private Task SaidAsync(string line) => UntilAsync(() => log.Lines.LastOrDefault() == line);

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (int i = 0; i < 3000; i++)
        {
            if (condition())
                return;
            await Task.Delay(10);
        }

        throw new TimeoutException("it does not become so");
    }

    private void Use(string path, bool required = false) =>
        writer.Use(new AuditOptions { File = path, Required = required }, AuditFile.Open(path));

    private void Write(int number) => writer.Write(Encoding.ASCII.GetBytes($"{number}\n"));
}
