using System.Text;
using Microsoft.Extensions.Logging;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Systemd;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Systemd;

public sealed class JournalLoggerTests : IDisposable
{
    private const string Evil = "x\nPRIORITY=0\n_UID=0\n\0\u001b]0;title\u0007\u202e";

    private readonly TemporaryFolder folder = new();
    private readonly FileDescriptor stderr;
    private readonly FileDescriptor stderrEnd;

    public JournalLoggerTests()
    {
        (stderrEnd, stderr) = Libc.pipe2();
        Libc.set_nonblocking(stderrEnd);
    }

    [Fact]
    public void A_record_has_level_event_and_state_in_fields()
    {
        using var journal = new FakeJournal(folder.File("journal"));
        using var provider = new JournalLoggerProvider(journal.Path, stderr);

        Log.JobHostReady(provider.CreateLogger("PipeForkAs.Test"), "/a/b", 42, 7);

        Dictionary<string, string> record = journal.Next()!.ToDictionary(field => field.Name, field => field.Value);
        Assert.Equal("job host /a/b is ready: process 42, 7 jobs", record["MESSAGE"]);
        Assert.Equal(
            ("6", "pipeforkasd", "PipeForkAs.Test"), (record["PRIORITY"], record["SYSLOG_IDENTIFIER"], record["PIPEFORKAS_LOGGER"]));
        Assert.Equal(("JobHostReady", JournalLoggerProvider.MessageId(10)), (record["PIPEFORKAS_EVENT"], record["MESSAGE_ID"]));
        Assert.Equal(("/a/b", "42", "7"), (record["PIPEFORKAS_PATH"], record["PIPEFORKAS_PID"], record["PIPEFORKAS_JOBS"]));
        Assert.Matches("^[0-9a-f]{32}$", record["MESSAGE_ID"]);
        Assert.Null(journal.Next());
    }

    [Fact]
    public void Nothing_that_is_logged_forges_a_field_or_a_second_record()
    {
        using var journal = new FakeJournal(folder.File("journal"));
        using var provider = new JournalLoggerProvider(journal.Path, stderr);

        Log.WorkerFailed(provider.CreateLogger(Evil), Evil, Evil);

        List<(string Name, string Value)> record = journal.Next()!;
        Assert.Null(journal.Next());
        Assert.Equal(["3"], record.Where(field => field.Name == "PRIORITY").Select(field => field.Value));
        Assert.Equal(
            ["MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "PIPEFORKAS_LOGGER", "MESSAGE_ID", "PIPEFORKAS_EVENT", "PIPEFORKAS_USER",
                "PIPEFORKAS_MESSAGE"],
            record.Select(field => field.Name));
        Assert.Equal(
            [Evil, Evil, Evil],
            record.Where(field => field.Name is "PIPEFORKAS_USER" or "PIPEFORKAS_MESSAGE" or "PIPEFORKAS_LOGGER").Select(
                field => field.Value));
        Assert.DoesNotContain(record[0].Value, char.IsControl);
    }

    [Theory]
    [InlineData(LogLevel.Trace, "7")]
    [InlineData(LogLevel.Debug, "7")]
    [InlineData(LogLevel.Information, "6")]
    [InlineData(LogLevel.Warning, "4")]
    [InlineData(LogLevel.Error, "3")]
    [InlineData(LogLevel.Critical, "2")]
    public void A_level_is_written_as_the_syslog_priority(LogLevel level, string priority)
    {
        using var journal = new FakeJournal(folder.File("journal"));
        using var provider = new JournalLoggerProvider(journal.Path, stderr);
        provider.CreateLogger("a").Log(level, "text");
        Assert.Contains(("PRIORITY", priority), journal.Next()!);
    }

    [Fact]
    public void An_exception_has_a_field_with_all_its_lines()
    {
        using var journal = new FakeJournal(folder.File("journal"));
        using var provider = new JournalLoggerProvider(journal.Path, stderr);
        Log.RequestBroke(provider.CreateLogger("a"), new InvalidOperationException("one\ntwo"));
        Assert.Contains(
            journal.Next()!, field => field.Name == "PIPEFORKAS_EXCEPTION" && field.Value.Contains("one\ntwo", StringComparison.Ordinal));
    }

    [Fact]
    public void A_record_too_large_for_a_datagram_is_sent_as_a_sealed_file()
    {
        using var journal = new FakeJournal(folder.File("journal"));
        using var provider = new JournalLoggerProvider(journal.Path, stderr);
        string large = string.Concat(Enumerable.Repeat(Evil, 100_000));
        OpenDescriptorsStay(() =>
        {
            Log.WorkerFailed(provider.CreateLogger("a"), "alice", large);
            Assert.Contains(("PIPEFORKAS_MESSAGE", large), journal.Next()!);
            Assert.True(journal.CameAsFile);
        });
    }

    [Fact]
    public void If_the_journal_is_down_records_go_to_stderr_after_one_message()
    {
        string path = folder.File("journal");
        using var provider = new JournalLoggerProvider(path, stderr);
        ILogger logger = provider.CreateLogger("a");
        Log.Stopped(logger);
        Log.WorkerFailed(logger, "alice", Evil);

        string[] lines = Said();
        Assert.Equal(3, lines.Length);
        Assert.StartsWith($"<4>the journal at {path} accepts no records (ENOENT", lines[0]);
        Assert.Equal("<6>stopped", lines[1]);
        Assert.StartsWith("<3>a worker failed to become alice: x\\nPRIORITY=0\\n_UID=0", lines[2]);

        using var journal = new FakeJournal(path);
        Log.Stopped(logger);
        Assert.Contains(("MESSAGE", "stopped"), journal.Next()!);
        Assert.Contains(("MESSAGE", "the journal accepts records again; 0 were lost, the others went to stderr"), journal.Next()!);
        Assert.Null(journal.Next());
        Assert.Empty(Said());
    }

    [Fact]
    public void A_burst_beyond_the_buffer_of_the_journal_arrives_complete_and_in_order()
    {
        using var journal = new FakeJournal(folder.File("journal"));
        using var provider = new JournalLoggerProvider(journal.Path, stderr);
        ILogger logger = provider.CreateLogger("a");
        for (int i = 0; i < 2000; i++)
            Log.UnkillableEnded(logger, "job", i);

        for (int i = 0; i < 2000; i++)
            Assert.Contains(("PIPEFORKAS_COUNT", $"{i}"), Await(journal));
        Assert.Empty(Said());
    }

    [Fact]
    public void A_journal_that_reads_nothing_blocks_nothing_and_lost_records_are_counted()
    {
        const int Sent = 5000;
        using var journal = new FakeJournal(folder.File("journal"));
        using var provider = new JournalLoggerProvider(journal.Path, stderr);
        ILogger logger = provider.CreateLogger("a");
        string text = new('x', 3000);

        // More than fits into the queue of the journal, the memory buffer and the pipe of stderr together.
        for (int i = 0; i < Sent; i++)
            Log.WorkerFailed(logger, "alice", text);
        string[] said = Said();
        Assert.StartsWith("<4>the journal at ", said[0]);

        int arrived = 0;
        List<(string Name, string Value)> record;
        while ((record = Await(journal)).Contains(("PIPEFORKAS_MESSAGE", text)))
            arrived++;
        int lost = int.Parse(
            record.Single(field => field.Name == "PIPEFORKAS_LOST").Value, System.Globalization.CultureInfo.InvariantCulture);
        while (arrived + said.Length - 1 + lost < Sent && Await(journal).Contains(("PIPEFORKAS_MESSAGE", text)))
            arrived++;
        Assert.Equal(Sent, arrived + said.Length - 1 + lost);
        Assert.True(arrived > 100 && said.Length > 1 && lost > 1, $"{arrived} arrived, {said.Length} on stderr, {lost} lost");
    }

    [Fact]
    public void A_stop_does_not_wait_forever_for_a_journal_that_reads_nothing()
    {
        using var journal = new FakeJournal(folder.File("journal"));
        using (var provider = new JournalLoggerProvider(journal.Path, stderr))
        {
            ILogger logger = provider.CreateLogger("a");
            for (int i = 0; i < 2000; i++)
                Log.UnkillableEnded(logger, "job", i);
        }

        int arrived = 0;
        while (journal.Next() is not null)
            arrived++;
        string[] said = Said();
        Assert.Equal($"<6>the last processes of the job job have ended; {arrived} jobs that cannot be killed remain", said[1]);
    }

    [Fact]
    public void A_restarted_journal_is_found_again()
    {
        using var provider = new JournalLoggerProvider(folder.File("journal"), stderr);
        for (int i = 0; i < 3; i++)
        {
            using var journal = new FakeJournal(folder.File("journal"));
            Log.Stopped(provider.CreateLogger("a"));
            Assert.NotNull(journal.Next());
            Libc.unlink(journal.Path);
        }

        Assert.Empty(Said());
    }

    [Fact]
    public void Stderr_is_the_journal_if_device_and_inode_match()
    {
        FileStatus status = Libc.fstat(stderr);
        string own = $"{status.DeviceNumber}:{status.Inode}";
        Assert.True(JournalLoggerProvider.IsJournal(own, stderr));
        using FileDescriptor other = Libc.open("/dev/null", OpenFlags.O_WRONLY);
        Assert.False(JournalLoggerProvider.IsJournal(own, other));
        foreach (string? wrong in new[] { null, "", own + " ", $"0:{status.Inode}", "x" })
            Assert.False(JournalLoggerProvider.IsJournal(wrong, stderr));
        other.Dispose();
    }

    public void Dispose()
    {
        stderr.Dispose();
        stderrEnd.Dispose();
        folder.Dispose();
    }

    private static void OpenDescriptorsStay(Action action)
    {
        int before = OpenDescriptors();
        action();
        Assert.InRange(OpenDescriptors(), before, before + 1); // The journal's socket stays.
    }

    /// <summary>Without assemblies, which the runtime opens at their first use: that depends on the order of the tests.</summary>
    private static int OpenDescriptors() =>
        Directory.GetFiles("/proc/self/fd").Count(
            descriptor => new FileInfo(descriptor).LinkTarget is not { } target || !target.EndsWith(".dll", StringComparison.Ordinal));

    /// <summary>The next record, which may still wait in memory.</summary>
    private static List<(string Name, string Value)> Await(FakeJournal journal)
    {
        for (int i = 0; i < 3000; i++)
        {
            if (journal.Next() is { } record)
                return record;
            Thread.Sleep(10);
        }

        throw new TimeoutException("no record comes");
    }

    private string[] Said()
    {
        var text = new List<byte>();
        var piece = new byte[4096];
        IOResult read;
        while ((read = Libc.read(stderrEnd, piece)).Count > 0)
            text.AddRange(piece[..(int)read.Count]);
        return Encoding.UTF8.GetString([.. text]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
