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

/// <summary>Tests of an audit that writes to a journal and to a file.</summary>
public abstract class AuditTest : IAsyncLifetime
{
    private static readonly Caller Bob = new(new UserId(1002), new GroupId(1003), [], new ProcessId(4711));
    private protected static Account Alice { get; } = new("alice", 1001, 1001, [1001], "/home/alice", "/bin/bash");

    private readonly FileDescriptor stderr = Libc.open("/dev/null", OpenFlags.O_WRONLY);
    private readonly JournalLoggerProvider provider;

    protected AuditTest()
    {
        Journal = new FakeJournal(Folder.File("journal"));
        provider = new JournalLoggerProvider(Journal.Path, stderr);
        Audit = new Audit(provider.CreateLogger(Audit.Category), TimeProvider.System, (_, sum) => Scheduled.Add(sum), _ => Shown);
    }

    private protected TemporaryFolder Folder { get; } = new();

    private protected FakeJournal Journal { get; }

    private protected Audit Audit { get; }

    /// <summary>The records of the journal that were read by <see cref="Said"/>.</summary>
    private protected List<List<(string Name, string Value)>> Read { get; } = [];

    /// <summary>What the audit wants to do later.</summary>
    private protected List<Action> Scheduled { get; } = [];

    /// <summary>The arguments that the records show.</summary>
    private protected string[] Shown { get; set; } = [];

    public async ValueTask InitializeAsync() => await ConfigureAsync(new AuditOptions { File = Folder.File("audit") });

    public async ValueTask DisposeAsync()
    {
        await Audit.EndAsync().WaitAsync(TimeSpan.FromSeconds(30));
        provider.Dispose();
        Journal.Dispose();
        stderr.Dispose();
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static AuditTrail Trail(CallerOrigin? origin = null) =>
        new(Bob, () => origin ?? new CallerOrigin("/usr/bin/php", "php.service", OriginTrust.Process));

    private protected static AuditTrail Ran(string arguments = "{\"text\":\"hello\"}")
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

    private protected async Task ConfigureAsync(AuditOptions options)
    {
        using Audit.Change change = await Audit.PrepareAsync(options);
        change.Commit();
    }

    /// <summary>Waits until the file has all records.</summary>
    private protected Task WrittenAsync() => UntilAsync(() => Audit.Counts.Waiting == 0);

    /// <summary>The first record of an event so far; null for none.</summary>
    private protected List<(string Name, string Value)>? Said(string name)
    {
        Read.AddRange(Drain());
        return Read.Find(fields => fields.Contains(("PIPEFORKAS_EVENT", name)));
    }

    private protected static async Task UntilAsync(Func<bool> condition)
    {
        for (int i = 0; i < 3000; i++)
        {
            if (condition())
                return;
            await Task.Delay(10);
        }

        throw new TimeoutException("it does not become so");
    }

    private protected List<List<(string Name, string Value)>> Drain()
    {
        var all = new List<List<(string Name, string Value)>>();
        while (Journal.Next() is { } record)
            all.Add(record);
        return all;
    }

    private protected async Task<JsonObject[]> LinesAsync()
    {
        await WrittenAsync();
        return [.. (await File.ReadAllLinesAsync(Folder.File("audit"))).Select(line => JsonNode.Parse(line)!.AsObject())];
    }
}
