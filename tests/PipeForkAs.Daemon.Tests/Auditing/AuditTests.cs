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

/// <summary>One record of a request, to the journal and to a file.</summary>
public sealed class AuditTests : IAsyncLifetime
{
    private const string Evil = "x\nPRIORITY=0\n\0\u001b]0;t\u0007";

    private static readonly Caller Bob = new(new UserId(1002), new GroupId(1003), [], new ProcessId(4711));
    private static readonly Account Alice = new("alice", 1001, 1001, [1001], "/home/alice", "/bin/bash");

    private readonly TemporaryFolder folder = new();
    private readonly FileDescriptor stderr = Libc.open("/dev/null", OpenFlags.O_WRONLY);
    private readonly FakeJournal journal;
    private readonly JournalLoggerProvider provider;
    private readonly Audit audit;
    private readonly List<Action> scheduled = [];
    private readonly List<List<(string Name, string Value)>> said = [];
    private string[] shown = [];

    public AuditTests()
    {
        journal = new FakeJournal(folder.File("journal"));
        provider = new JournalLoggerProvider(journal.Path, stderr);
        audit = new Audit(provider.CreateLogger(Audit.Category), TimeProvider.System, (_, sum) => scheduled.Add(sum), _ => shown);
    }

    public async ValueTask InitializeAsync() => await ConfigureAsync(new AuditOptions { File = folder.File("audit") });

    [Fact]
    public async Task A_job_that_ran_is_told_of_with_all_that_is_known()
    {
        audit.Write(Ran());

        Dictionary<string, string> fields = journal.Next()!.ToDictionary(field => field.Name, field => field.Value);
        Assert.Null(journal.Next());
        Assert.Equal("uid 1002: run id as alice: failed: the job exited with 3", fields["MESSAGE"]);
        Assert.Equal(("6", "Ran"), (fields["PRIORITY"], fields["PIPEFORKAS_EVENT"]));
        Assert.Equal(
            ("id", "alice", "1001", "panel"),
            (fields["PIPEFORKAS_JOB"], fields["PIPEFORKAS_USER"], fields["PIPEFORKAS_UID"], fields["PIPEFORKAS_RULE"]));
        Assert.Equal(
            ("1002", "1003", "4711"), (fields["PIPEFORKAS_CALLER_UID"], fields["PIPEFORKAS_CALLER_GID"], fields["PIPEFORKAS_CALLER_PID"]));
        Assert.Equal(
            ("/usr/bin/php", "php.service", "process"),
            (fields["PIPEFORKAS_CALLER_EXE"], fields["PIPEFORKAS_CALLER_UNIT"], fields["PIPEFORKAS_CALLER_TRUST"]));
        Assert.Equal(
            ("3", "5", "6", "99"),
            (fields["PIPEFORKAS_EXIT"], fields["PIPEFORKAS_STDOUT"], fields["PIPEFORKAS_STDERR"], fields["PIPEFORKAS_WORKER_PID"]));

        JsonObject line = Assert.Single(await LinesAsync());
        Assert.Equal(
            ("Ran", "run", "failed", 3), ((string)line["event"]!, (string)line["operation"]!, (string)line["code"]!, (int)line["exit"]!));
        Assert.Equal((0.25, 0.125), ((double)line["seconds"]!, (double)line["cpu"]!));
        Assert.Equal(fields["PIPEFORKAS_ARGUMENTS_HMAC"], (string)line["arguments_hmac"]!);
        Assert.Equal(DateTimeKind.Utc, line["time"]!.GetValue<DateTime>().Kind);
        Assert.False(line.ContainsKey("signal") || line.ContainsKey("arguments"));
    }

    [Theory]
    [InlineData(ReplyCode.Denied, false)]
    [InlineData(ReplyCode.BadArguments, true)]
    [InlineData(ReplyCode.Busy, true)]
    [InlineData(ReplyCode.Ok, false)]
    public async Task What_was_refused_has_no_hash_of_its_arguments(ReplyCode code, bool isAllowed)
    {
        AuditTrail trail = Ran();
        trail.Decision = isAllowed ? trail.Decision : null;
        trail.End = new EndRecord { Code = code, Message = "refused", Job = "id" };
        audit.Write(trail);
        Assert.False(Assert.Single(await LinesAsync()).ContainsKey("arguments_hmac"));
    }

    [Fact]
    public async Task What_a_check_allows_has_a_hash_of_its_arguments()
    {
        AuditTrail trail = Ran();
        trail.Request = trail.Request! with { Operation = Operation.Check };
        trail.End = new EndRecord { Code = ReplyCode.Ok, Job = "id" };
        audit.Write(trail);
        Assert.Matches("^[0-9a-f]{64}$", (string)Assert.Single(await LinesAsync())["arguments_hmac"]!);
    }

    [Fact]
    public async Task Every_member_of_the_file_is_a_field_of_the_journal_with_the_same_value()
    {
        shown = ["*"];
        audit.Write(Ran());
        Dictionary<string, string> fields = journal.Next()!.ToDictionary(field => field.Name, field => field.Value);
        JsonObject line = Assert.Single(await LinesAsync());
        foreach ((string name, JsonNode? value) in line.Where(member => member.Key is not ("time" or "event")))
            Assert.Equal(
                value is JsonValue text && text.GetValueKind() == JsonValueKind.String ? (string)text! : value!.ToJsonString(),
                fields[$"PIPEFORKAS_{name.ToUpperInvariant()}"]);
        // Event and logger.
        Assert.Equal(line.Count - 2, fields.Keys.Count(name => name.StartsWith("PIPEFORKAS_", StringComparison.Ordinal)) - 2);
    }

    [Fact]
    public async Task Secrets_are_in_no_record()
    {
        shown = ["path"];
        AuditTrail trail = Ran("{\"path\":\"/told\",\"password\":\"hunter2\"}");
        trail.Request = trail.Request! with { Environment = new() { ["TOKEN"] = "hunter2", ["LANG"] = "hunter2" } };
        trail.End = trail.End! with
        {
            Code = ReplyCode.Error,
            Message = "System.Exception: hunter2",
            Error = new JobError("System.Exception", "hunter2"),
        };
        audit.Write(trail);

        List<(string Name, string Value)> fields = journal.Next()!;
        Assert.DoesNotContain(fields, field => field.Value.Contains("hunter2", StringComparison.Ordinal));
        Assert.Contains(("PIPEFORKAS_ARGUMENTS", "{\"path\":\"/told\"}"), fields);
        Assert.Contains(("PIPEFORKAS_ENVIRONMENT", "LANG TOKEN"), fields);
        await WrittenAsync();
        Assert.DoesNotContain("hunter2", File.ReadAllText(folder.File("audit")));
        Assert.Equal("/told", (string)Assert.Single(await LinesAsync())["arguments"]!["path"]!);
    }

    [Fact]
    public void A_denial_tells_the_rule_and_the_reason_that_the_client_is_not_told()
    {
        AuditTrail trail = Trail();
        trail.Request = Request.Parse("{\"job\":\"id\",\"user\":\"root\"}"u8);
        trail.Decision = new Decision(Answer.Denied, "no-root", "rule \"no-root\" denies it");
        trail.End = new EndRecord { Code = ReplyCode.Denied, Message = "the policy does not allow uid 1002 to run \"id\" as \"root\"" };
        audit.Write(trail);

        List<(string Name, string Value)> fields = journal.Next()!;
        Assert.Contains(("PRIORITY", "4"), fields);
        Assert.Contains(("PIPEFORKAS_EVENT", "Denied"), fields);
        Assert.Contains(("PIPEFORKAS_RULE", "no-root"), fields);
        Assert.Contains(("MESSAGE", "uid 1002: run id as root: denied: rule \"no-root\" denies it"), fields);
        Assert.DoesNotContain(fields, field => field.Name is "PIPEFORKAS_UID" or "PIPEFORKAS_WORKER_PID" or "PIPEFORKAS_STDOUT");
    }

    [Fact]
    public async Task What_was_no_request_and_what_the_daemon_broke_have_their_records_too()
    {
        AuditTrail bad = Trail();
        bad.End = new EndRecord { Code = ReplyCode.BadRequest, Message = "no JSON" };
        audit.Write(bad);
        audit.Write(Trail());

        Assert.Contains(("MESSAGE", "uid 1002: a request: bad-request: no JSON"), journal.Next()!);
        Assert.Contains(("PRIORITY", "3"), journal.Next()!);
        Assert.Equal(["bad-request", "internal"], (await LinesAsync()).Select(line => (string)line["code"]!));
    }

    [Fact]
    public async Task Asking_what_may_be_done_is_no_denial()
    {
        AuditTrail trail = Trail();
        trail.Request = Request.Parse("{\"op\":\"check\",\"job\":\"id\",\"user\":\"root\",\"caller\":\"www-data\"}"u8);
        trail.Decision = Decision.Deny("no rule matches");
        trail.End = new EndRecord { Code = ReplyCode.Denied, Stdout = 7 };
        audit.Write(trail);

        JsonObject line = Assert.Single(await LinesAsync());
        Assert.Equal(
            ("Told", "check", "www-data", "no rule matches"),
            ((string)line["event"]!, (string)line["operation"]!, (string)line["asked_for_caller"]!, (string)line["reason"]!));
        Assert.Contains(("PRIORITY", "6"), journal.Next()!);
    }

    [Fact]
    public async Task Nothing_that_a_client_or_a_job_says_makes_a_second_field_record_or_line()
    {
        shown = ["*"];
        string json = JsonSerializer.Serialize(new Dictionary<string, string> { [Evil] = Evil });
        AuditTrail trail = Trail(new CallerOrigin($"/tmp/{Evil}", $"{Evil}.service", OriginTrust.Process));
        trail.Request = new Request
        {
            Job = Evil,
            User = Evil,
            Caller = Evil,
            Arguments = Encoding.UTF8.GetBytes(json),
            Environment = new() { [Evil] = Evil },
        };
        trail.Decision = new Decision(Answer.Allowed, Evil, Evil, Alice with { Name = Evil });
        trail.End = new EndRecord { Code = ReplyCode.Internal, Message = Evil, Job = Evil, User = Evil, Pid = 1 };
        audit.Write(trail);

        List<(string Name, string Value)> fields = journal.Next()!;
        Assert.Null(journal.Next());
        Assert.Equal(fields.Count, fields.Select(field => field.Name).Distinct().Count());
        Assert.Contains(("PRIORITY", "3"), fields);
        Assert.All(
            ["JOB", "USER", "RULE", "REASON", "ASKED_FOR_CALLER", "ENVIRONMENT"],
            name => Assert.Contains(($"PIPEFORKAS_{name}", Evil), fields));
        Assert.Contains(("PIPEFORKAS_CALLER_EXE", $"/tmp/{Evil}"), fields);

        await WrittenAsync();
        string text = File.ReadAllText(folder.File("audit"));
        Assert.DoesNotContain(text[..^1], char.IsControl);
        JsonObject line = Assert.Single(await LinesAsync());
        Assert.Equal((Evil, Evil), ((string)line["job"]!, (string)line["arguments"]![Evil]!));

        var record = new AuditRecord(trail, new ArgumentDigest(), shown);
        string console = LineFormatter.Text(record, null, record.Sentence);
        Assert.DoesNotContain(console, char.IsControl);
        Assert.Contains(" operation=run code=internal job=\"x\\nPRIORITY=0\\n\\u0000\\u001B]0;t\\u0007\" ", console.Replace('[', ' '));
    }

    [Fact]
    public async Task A_full_disk_is_told_once_and_requests_go_on_unless_records_are_required()
    {
        string mount = folder.MakeFolder("disk");
        Child.Run("/bin/mount", ["-t", "tmpfs", "-o", "size=4096,mode=0755", "tmpfs", mount]);
        try
        {
            foreach (bool required in new[] { false, true })
            {
                string path = Path.Combine(mount, "audit");
                File.Delete(path);
                await ConfigureAsync(new AuditOptions { File = path, Required = required });
                Drain();
                said.Clear();

                audit.ThrowIfUnwritable();
                for (int i = 0; i < 20; i++)
                    audit.Write(Ran());
                await UntilAsync(() => Said("AuditFileFailed") is not null);
                List<(string Name, string Value)> failed = Assert.Single(
                    said, fields => fields.Contains(("PIPEFORKAS_EVENT", "AuditFileFailed")));
                Assert.Contains(
                    required ? "no job runs until it can be written" : "requests are still served",
                    failed.Single(field => field.Name == "MESSAGE").Value);
                if (required)
                    Assert.Equal(ReplyCode.Internal, Assert.Throws<RefusedException>(audit.ThrowIfUnwritable).Code);
                else
                    audit.ThrowIfUnwritable();

                int kept = File.ReadAllText(path).Count(c => c == '\n');
                Assert.InRange(kept, 1, 10);
                Child.Run("/bin/mount", ["-o", "remount,size=1M", mount]);
                audit.Write(Ran());
                await WrittenAsync();
                audit.ThrowIfUnwritable();
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
        audit.Write(Ran());
        await WrittenAsync();
        File.Move(folder.File("audit"), folder.File("audit.1"));
        audit.Write(Ran());
        await WrittenAsync();
        Assert.Equal(2, File.ReadAllLines(folder.File("audit.1")).Length);

        audit.Reopen();
        audit.Write(Ran());
        await WrittenAsync();
        Assert.Equal(2, File.ReadAllLines(folder.File("audit.1")).Length);
        Assert.Single(await LinesAsync());

        File.Delete(folder.File("audit"));
        Directory.CreateDirectory(folder.File("audit"));
        audit.Reopen();
        audit.Write(Ran());
        await WrittenAsync();
        Assert.Contains(Drain(), fields => fields.Contains(("PIPEFORKAS_EVENT", "AuditFileNotReopened")));
        audit.ThrowIfUnwritable();
    }

    [Fact]
    public async Task Requests_that_run_nothing_are_summed_up_beyond_a_rate_and_jobs_that_ran_never_are()
    {
        await ConfigureAsync(new AuditOptions { File = folder.File("audit"), RecordsPerMinute = 5 });
        for (int i = 0; i < 100; i++)
        {
            AuditTrail refused = Trail();
            refused.End = new EndRecord { Code = i % 4 == 0 ? ReplyCode.Denied : ReplyCode.BadRequest, Message = "no" };
            audit.Write(refused);
            audit.Write(Ran());
        }

        Assert.Equal(95, audit.Counts.Suppressed);
        Assert.Single(scheduled)();
        scheduled.Clear();
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
        audit.Write(last);
        await audit.EndAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal("busy 1", (string)(await LinesAsync())[^1]["codes"]!);
    }

    [Fact]
    public async Task A_configuration_that_is_not_kept_changes_nothing()
    {
        using (Audit.Change change = await audit.PrepareAsync(new AuditOptions { File = folder.File("other") }))
            Assert.NotNull(change);
        await Assert.ThrowsAsync<ConfigurationException>(() => audit.PrepareAsync(new AuditOptions { File = "/no/such/folder/audit" }));
        audit.Write(Ran());
        Assert.Single(await LinesAsync());
        Assert.Equal("", File.ReadAllText(folder.File("other")));
    }

    public async ValueTask DisposeAsync()
    {
        await audit.EndAsync().WaitAsync(TimeSpan.FromSeconds(30));
        provider.Dispose();
        journal.Dispose();
        stderr.Dispose();
        folder.Dispose();
    }

    private static AuditTrail Trail(CallerOrigin? origin = null) =>
        new(Bob, () => origin ?? new CallerOrigin("/usr/bin/php", "php.service", OriginTrust.Process));

    private static AuditTrail Ran(string arguments = "{\"text\":\"hello\"}")
    {
        AuditTrail trail = Trail();
        trail.Request = Request.Parse(Encoding.UTF8.GetBytes($$"""{"job":"id","user":"alice","args":{{arguments}}}"""));
        trail.Decision = new Decision(Answer.Allowed, "panel", "rule \"panel\" allows it", Alice);
        trail.End = new EndRecord
        {
            Code = ReplyCode.Failed,
            Message = "the job exited with 3",
            Exit = 3,
            Job = "id",
            User = "alice",
            Uid = 1001,
            Pid = 99,
            Stdout = 5,
            Stderr = 6,
            Seconds = 0.25,
            Cpu = 0.125,
        };
        return trail;
    }

    private async Task ConfigureAsync(AuditOptions options)
    {
        using Audit.Change change = await audit.PrepareAsync(options);
        change.Commit();
    }

    /// <summary>Waits until the file has all records.</summary>
    private Task WrittenAsync() => UntilAsync(() => audit.Counts.Waiting == 0);

    /// <summary>The first record of an event so far; null for none.</summary>
    private List<(string Name, string Value)>? Said(string name)
    {
        said.AddRange(Drain());
        return said.Find(fields => fields.Contains(("PIPEFORKAS_EVENT", name)));
    }

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

    private List<List<(string Name, string Value)>> Drain()
    {
        var all = new List<List<(string Name, string Value)>>();
        while (journal.Next() is { } record)
            all.Add(record);
        return all;
    }

    private async Task<JsonObject[]> LinesAsync()
    {
        await WrittenAsync();
        return [.. (await File.ReadAllLinesAsync(folder.File("audit"))).Select(line => JsonNode.Parse(line)!.AsObject())];
    }
}
