using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Systemd;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Auditing;

/// <summary>The records over time: a file that fails or changes, and a rate of records.</summary>
public sealed class AuditOperationTests : AuditTest
{
    [Fact]
    public async Task A_full_disk_is_told_once_and_requests_go_on_unless_records_are_required()
    {
        string mount = Folder.MakeFolder("disk");
        Child.Run("/bin/mount", ["-t", "tmpfs", "-o", "size=4096,mode=0755", "tmpfs", mount]);
        try
        {
            foreach (bool required in new[] { false, true })
            {
                string path = Path.Combine(mount, "audit");
                File.Delete(path);
                await ConfigureAsync(new AuditOptions { File = path, Required = required });
                Drain();
                Read.Clear();

                Audit.ThrowIfUnwritable();
                for (int i = 0; i < 20; i++)
                    Audit.Write(Ran());
                await UntilAsync(() => Said("AuditFileFailed") is not null);
                List<(string Name, string Value)> failed = Assert.Single(
                    Read, fields => fields.Contains(("PIPEFORKAS_EVENT", "AuditFileFailed")));
                Assert.Contains(
                    required ? "no job runs until it can be written" : "requests are still served",
                    failed.Single(field => field.Name == "MESSAGE").Value);
                if (required)
                    Assert.Equal(ReplyCode.Internal, Assert.Throws<RefusedException>(Audit.ThrowIfUnwritable).Code);
                else
                    Audit.ThrowIfUnwritable();

                int kept = File.ReadAllText(path).Count(c => c == '\n');
                Assert.InRange(kept, 1, 10);
                Child.Run("/bin/mount", ["-o", "remount,size=1M", mount]);
                Audit.Write(Ran());
                await WrittenAsync();
                Audit.ThrowIfUnwritable();
                await UntilAsync(() => Said("AuditFileWorks") is not null);
                Assert.Contains(("PIPEFORKAS_LOST", "0"), Said("AuditFileWorks")!);

                // The line that was written in part, and all of them whole.
                string[] lines = File.ReadAllLines(path);
                Assert.Equal(21, lines.Count(line => line.EndsWith('}') && (string)JsonNode.Parse(line)!["event"]! == "Ran"));
                Assert.InRange(lines.Length, 21, 22);
                await ConfigureAsync(new AuditOptions());
                File.Delete(path);

                // A deleted file takes its room until the writer's thread has closed it.
                await UntilAsync(() => Child.Succeeds("/bin/mount", ["-o", "remount,size=4096", mount]));
            }
        }
        finally
        {
            await ConfigureAsync(new AuditOptions());
            Child.Run("/bin/umount", ["-l", mount]);
        }
    }

    [Fact]
    public async Task A_file_that_was_renamed_is_made_anew_on_demand()
    {
        Audit.Write(Ran());
        await WrittenAsync();
        File.Move(Folder.File("audit"), Folder.File("audit.1"));
        Audit.Write(Ran());
        await WrittenAsync();
        Assert.Equal(2, File.ReadAllLines(Folder.File("audit.1")).Length);

        Audit.Reopen();
        Audit.Write(Ran());
        await WrittenAsync();
        Assert.Equal(2, File.ReadAllLines(Folder.File("audit.1")).Length);
        Assert.Single(await LinesAsync());

        File.Delete(Folder.File("audit"));
        Directory.CreateDirectory(Folder.File("audit"));
        Audit.Reopen();
        Audit.Write(Ran());
        await WrittenAsync();
        Assert.Contains(Drain(), fields => fields.Contains(("PIPEFORKAS_EVENT", "AuditFileNotReopened")));
        Audit.ThrowIfUnwritable();
    }

    [Fact]
    public async Task Requests_that_run_nothing_are_summed_up_beyond_a_rate_and_jobs_that_ran_never_are()
    {
        await ConfigureAsync(new AuditOptions { File = Folder.File("audit"), RecordsPerMinute = 5 });
        for (int i = 0; i < 100; i++)
        {
            AuditTrail refused = Trail();
            refused.End = new EndRecord { Code = i % 4 == 0 ? ReplyCode.Denied : ReplyCode.BadRequest, Message = "no" };
            Audit.Write(refused);
            Audit.Write(Ran());
        }

        Assert.Equal(95, Audit.Counts.Suppressed);
        Assert.Single(Scheduled)();
        Scheduled.Clear();
        JsonObject[] lines = await LinesAsync();
        Assert.Equal(100, lines.Count(line => (string)line["event"]! == "Ran"));
        Assert.Equal(5, lines.Count(line => (string)line["event"]! is "Refused" or "Denied"));
        JsonObject sum = lines[^1];
        Assert.Equal(106, lines.Length);
        Assert.Equal(("Suppressed", 95, 1002), ((string)sum["event"]!, (int)sum["records"]!, (int)sum["caller_uid"]!));
        Assert.Equal("bad-request 72, denied 23", (string)sum["codes"]!);
        Assert.InRange((DateTimeOffset)sum["last"]!, (DateTimeOffset)sum["first"]!, (DateTimeOffset)sum["time"]!);
        await UntilAsync(() => Said("Suppressed") is not null);
        List<(string Name, string Value)> logged = Said("Suppressed")!;
        Assert.Contains(("MESSAGE", "uid 1002: 95 more requests ran nothing: bad-request 72, denied 23"), logged);
        Assert.Contains(("PIPEFORKAS_RECORDS", "95"), logged);
        Assert.Contains(("PRIORITY", "4"), logged);

        // What is summed up when the daemon stops is written too.
        AuditTrail last = Trail();
        last.End = new EndRecord { Code = ReplyCode.Busy, Message = "no" };
        Audit.Write(last);
        await Audit.EndAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal("busy 1", (string)(await LinesAsync())[^1]["codes"]!);
    }

    [Fact]
    public async Task A_configuration_that_is_not_kept_changes_nothing()
    {
        using (Audit.Change change = await Audit.PrepareAsync(new AuditOptions { File = Folder.File("other") }))
            Assert.NotNull(change);
        await Assert.ThrowsAsync<ConfigurationException>(() => Audit.PrepareAsync(new AuditOptions { File = "/no/such/folder/audit" }));
        Audit.Write(Ran());
        Assert.Single(await LinesAsync());
        Assert.Equal("", File.ReadAllText(Folder.File("other")));
    }
}
