using System.Text.Json.Nodes;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests a daemon whose stderr is the journal, as systemd starts it; the journal is a fake.</summary>
public sealed class JournalTests
{
    [Fact(Timeout = Bound.Test)]
    public async Task All_log_records_have_fields_and_stderr_stays_empty()
    {
        await using var run = await JournaledDaemon.StartAsync();
        Dictionary<string, string> listening = await run.FindAsync("Listening");
        Assert.Equal(run.Daemon.Socket, listening["PIPEFORKAS_PATH"]);
        Assert.Equal(
            ("6", "pipeforkasd", "PipeForkAs.Daemon.DaemonService"),
            (listening["PRIORITY"], listening["SYSLOG_IDENTIFIER"], listening["PIPEFORKAS_LOGGER"]));

        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(run.Daemon, "id")).End.Code);
        Dictionary<string, string> ran = await run.FindAsync("Ran");
        Assert.Equal(
            ("id", TestUsers.Alice, TestUsers.AliceUid, "0"),
            (ran["PIPEFORKAS_JOB"], ran["PIPEFORKAS_USER"], ran["PIPEFORKAS_UID"], ran["PIPEFORKAS_CALLER_UID"]));
        Assert.NotEqual(listening["MESSAGE_ID"], ran["MESSAGE_ID"]);

        await RawClient.RunAsync(run.Daemon, "id", user: "root");
        Assert.Equal("4", (await run.FindAsync("Denied"))["PRIORITY"]);
        Assert.Equal(0, await run.Daemon.StopAsync());
        Assert.Equal("stopped", (await run.FindAsync("Stopped"))["MESSAGE"]);
        Assert.Equal("", run.Daemon.Log.Trim());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Nothing_that_a_client_or_a_job_sends_forges_a_field_or_a_record()
    {
        const string Evil = "x\\nPRIORITY=0\\n_UID=0\\n\\u0000\\u001b[2J";
        await using var run = await JournaledDaemon.StartAsync();
        await run.FindAsync("Listening");
        string alice = TestUsers.Alice;
        string[] requests =
        [
            $$$"""{"job":"{{{Evil}}}","user":"{{{alice}}}"}""",
            $$$"""{"job":"id","user":"{{{Evil}}}"}""",
            $$$"""{"op":"{{{Evil}}}","job":"id"}""",
            $$$"""{"op":"check","job":"id","caller":"{{{Evil}}}"}""",
            $$$"""{"{{{Evil}}}":1}""",
            $$$"""{"job":"id","env":{"{{{Evil}}}":"1"}}""",
            $$$"""{"job":"audited","user":"{{{alice}}}","args":{"secret":"","told":"{{{Evil}}}"},"env":{"TEST_VALUE":"x\nPRIORITY=0"}}""",
            $$$"""{"job":"list-directory","user":"{{{alice}}}","args":{"path":"{{{Evil}}}"}}""",
            $$$"""{"job":"echo","user":"{{{alice}}}","args":{"{{{Evil}}}":"{{{Evil}}}"}}""",
            $$$"""{"job":"throw","user":"{{{alice}}}","args":{"message":"{{{Evil}}}"}}""",
            $$$"""{"job":"forge-step","user":"{{{alice}}}"}""",
            "PRIORITY=0",
            "\u001b[2J\0PRIORITY=0",
        ];
        foreach (string request in requests)
            await RawClient.TextAsync(run.Daemon, request);

        List<Dictionary<string, string>> records = await run.AuditedAsync(requests.Length);
        Assert.Equal(requests.Length, records.Count);
        Assert.All(records, record =>
        {
            Assert.Contains(record["PRIORITY"], new[] { "3", "4", "6" });
            Assert.Equal("0", record["PIPEFORKAS_CALLER_UID"]);
            Assert.DoesNotContain(record["MESSAGE"], char.IsControl);
        });
        Assert.Contains("\\u001B[2J", records[6]["PIPEFORKAS_ARGUMENTS"]);
        Assert.Equal(0, await run.Daemon.StopAsync());
        Assert.Equal("", run.Daemon.Log.Trim());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_restart_of_the_journal_ends_no_request()
    {
        await using var run = await JournaledDaemon.StartAsync();
        await run.FindAsync("Listening");
        run.StopJournal();
        for (int i = 0; i < 3; i++)
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(run.Daemon, "id")).End.Code);
        await Bound.UntilAsync(() => run.Daemon.Log.Split("run id as").Length == 4, () => run.Daemon.Log);
        Assert.Equal(2, run.Daemon.Log.Split("accepts no records").Length);

        run.StartJournal();
        await RawClient.RunAsync(run.Daemon, "id");
        Assert.Equal("ok", (await run.FindAsync("Ran"))["PIPEFORKAS_CODE"]);
        Assert.Equal(0, await run.Daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task An_untrusted_audit_file_fails_the_start()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        string file = Path.Combine(folder, "audit");
        File.WriteAllText(file, "");
        Libc.chmod(file, 0x1B6); // 0666
        configuration["Audit"] = new JsonObject { ["File"] = file };
        await using DaemonProcess daemon = DaemonProcess.Launch(folder, configuration);
        Assert.Equal(78, await daemon.EndedAsync());
        Assert.Contains($"Audit:File: {file} is accessible to other users; remove that (chmod 0640)", daemon.Log);
    }

    /// <summary>A daemon, its journal, and the records so far.</summary>
    private sealed class JournaledDaemon : IAsyncDisposable
    {
        private readonly string path;
        private readonly List<Dictionary<string, string>> records = [];
        private FakeJournal? journal;

        private JournaledDaemon(DaemonProcess daemon, FakeJournal journal)
        {
            Daemon = daemon;
            this.journal = journal;
            path = journal.Path;
        }

        public DaemonProcess Daemon { get; }

        public static Task<JournaledDaemon> StartAsync()
        {
            (string folder, JsonObject configuration) = DaemonProcess.Prepare();
            var journal = new FakeJournal(Path.Combine(folder, "journal"));
            string script = Path.Combine(folder, "start");
            File.WriteAllText(
                script,
                $"#!/bin/sh\nexport JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) "
                + $"PIPEFORKAS_JOURNAL_SOCKET={journal.Path}\nexec {NativeBuild.Daemon} \"$@\"\n");
            Libc.chmod(script, 0x1ED); // 0755
            return Task.FromResult(new JournaledDaemon(DaemonProcess.Launch(folder, configuration, script), journal));
        }

        public void StopJournal()
        {
            journal!.Dispose();
            journal = null;
            Libc.unlink(path);
            records.Clear();
        }

        public void StartJournal() => journal = new FakeJournal(path);

        /// <summary>The first record of an event.</summary>
        public async Task<Dictionary<string, string>> FindAsync(string name)
        {
            Dictionary<string, string>? found = null;
            await Bound.UntilAsync(
                () => (found = Read().Find(record => record.GetValueOrDefault("PIPEFORKAS_EVENT") == name)) is not null,
                () => $"no {name}: {Daemon.Log}");
            return found!;
        }

        /// <summary>The records of requests, once there are this many, after one more request.</summary>
        public async Task<List<Dictionary<string, string>>> AuditedAsync(int count)
        {
            await RawClient.TextAsync(Daemon, """{"op":"list"}""");
            await Bound.UntilAsync(
                () => Audited().Any(record => record.GetValueOrDefault("PIPEFORKAS_OPERATION") == "list"),
                () => $"{Audited().Count} of {count} records: {Daemon.Log}");
            return [.. Audited().SkipLast(1)];
        }

        public async ValueTask DisposeAsync()
        {
            await Daemon.DisposeAsync();
            journal?.Dispose();
        }

        private List<Dictionary<string, string>> Audited() =>
            [.. Read().Where(record => record["PIPEFORKAS_LOGGER"] == "PipeForkAs.Audit")];

        /// <summary>All records so far; fails at a duplicate field.</summary>
        private List<Dictionary<string, string>> Read()
        {
            while (journal?.Next() is { } record)
                records.Add(record.ToDictionary(field => field.Name, field => field.Value));
            return records;
        }
    }
}
