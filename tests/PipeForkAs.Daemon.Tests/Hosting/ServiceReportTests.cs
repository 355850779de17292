using System.Text.RegularExpressions;
using PipeForkAs.Daemon.Hosting;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Systemd;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Daemon.Tests.Systemd;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Tests.Hosting;

public sealed partial class ServiceReportTests
{
    private static readonly string Abstract = $"@pipeforkas-test-{Environment.ProcessId}";

    [Fact]
    public async Task Watchdog_notifications_are_frequent_enough_and_end_with_the_service()
    {
        using var point = new NotifyPoint(Abstract);
        var time = new ManualTime();
        using var thread = new LoopThread(time);
        ServiceManager manager = point.Manager(watchdogMicroseconds: "30000000");
        var report = Report(thread, manager);
        await thread.RunAsync(report.Start);
        Assert.Equal(["STATUS=0 jobs running, 0 requests served, 0 refused", "WATCHDOG=1"], Told(point));

        await AdvanceAsync(thread, time, 4.9);
        Assert.Empty(Told(point));
        await AdvanceAsync(thread, time, 0.2);
        Assert.Equal(["WATCHDOG=1"], Told(point));
        await thread.RunAsync(report.End);
        await AdvanceAsync(thread, time, 20);
        Assert.Empty(Told(point));
    }

    [Fact]
    public async Task Without_answers_from_job_hosts_there_is_no_watchdog_notification()
    {
        using var point = new NotifyPoint(Abstract);
        var time = new ManualTime();
        using var thread = new LoopThread(time);
        ServiceManager manager = point.Manager(watchdogMicroseconds: "30000000");
        bool isWell = true;
        var report = Report(thread, manager, () => isWell);
        await thread.RunAsync(report.Start);
        Told(point);
        await thread.RunAsync(() => { isWell = false; });
        await AdvanceAsync(thread, time, 5.1);
        Assert.Empty(Told(point));
        await thread.RunAsync(() => { isWell = true; });
        await AdvanceAsync(thread, time, 5.1);
        Assert.Equal(["WATCHDOG=1"], Told(point));
    }

    [Fact]
    public async Task A_blocked_loop_sends_no_watchdog_notification()
    {
        using var point = new NotifyPoint(Abstract);
        var time = new ManualTime();
        using var thread = new LoopThread(time);
        ServiceManager manager = point.Manager(watchdogMicroseconds: "10000000");
        var report = Report(thread, manager);
        await thread.RunAsync(report.Start);
        Told(point);

        using var released = new ManualResetEventSlim();
        using var stuck = new ManualResetEventSlim();
        thread.Loop.Post(
            _ =>
            {
                stuck.Set();
                released.Wait();
            },
            null);
        stuck.Wait(TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(60));
        Assert.Empty(Told(point));
        released.Set();
        await thread.SettleAsync();
        Assert.Equal(["WATCHDOG=1"], Told(point));
    }

    [Fact]
    public async Task A_thousand_status_changes_are_sent_in_one_notification()
    {
        using var point = new NotifyPoint(Abstract);
        var time = new ManualTime();
        using var thread = new LoopThread(time);
        ServiceManager manager = point.Manager();
        ServiceReport? report = null;
        var counts = new RequestCounts(() => report!.Refresh());
        report = new ServiceReport(thread.Loop, manager, NotifyPoint.Notifier(manager), counts, static () => true);
        await thread.RunAsync(report.Start);
        Told(point);
        await thread.RunAsync(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                counts.Begun();
                counts.Answered(new EndRecord { Code = i % 10 == 0 ? ReplyCode.Denied : ReplyCode.Failed, Pid = i % 10 == 0 ? null : 1 });
                if (i > 0)
                    counts.Ended();
            }
        });
        Assert.Empty(Told(point));
        await AdvanceAsync(thread, time, 1.1);
        Assert.Equal(["STATUS=1 job running, 900 requests served, 100 refused"], Told(point));

        // An equal state is not sent again.
        await thread.RunAsync(counts.Begun);
        await thread.RunAsync(counts.Ended);
        await AdvanceAsync(thread, time, 1.1);
        Assert.Empty(Told(point));
    }

    [Fact]
    public async Task A_stop_extends_its_timeout_until_it_is_complete()
    {
        using var point = new NotifyPoint(Abstract);
        var time = new ManualTime();
        using var thread = new LoopThread(time);
        ServiceManager manager = point.Manager();
        var report = Report(thread, manager);
        await thread.RunAsync(report.Start);
        Told(point);
        await thread.RunAsync(report.Stop);
        Assert.Equal(["EXTEND_TIMEOUT_USEC=20000000"], Told(point));
        await AdvanceAsync(thread, time, 5.1);
        Assert.Equal(
            ["STATUS=stopping; 0 jobs running, 0 requests served, 0 refused", "EXTEND_TIMEOUT_USEC=20000000"],
            Told(point).Order().Reverse());
        await thread.RunAsync(report.End);
        await AdvanceAsync(thread, time, 60);
        Assert.Empty(Told(point));
    }

    [Fact]
    public async Task A_service_manager_that_reads_nothing_does_not_block_the_loop()
    {
        using var point = new NotifyPoint(Abstract);
        point.Fill();
        using var thread = new LoopThread();
        ServiceManager manager = point.Manager(watchdogMicroseconds: "1000");
        using ServiceNotifier notifier = NotifyPoint.Notifier(manager);
        var report = new ServiceReport(thread.Loop, manager, notifier, new RequestCounts(static () => { }), static () => true);
        TimeSpan bound = TimeSpan.FromSeconds(30);
        await thread.RunAsync(report.Start).WaitAsync(bound, TestContext.Current.CancellationToken);
        Task later = thread.RunAsync(() => thread.Loop.DelayAsync(TimeSpan.FromMilliseconds(20)));
        await later.WaitAsync(bound, TestContext.Current.CancellationToken);
        await thread.RunAsync(report.Stop).WaitAsync(bound, TestContext.Current.CancellationToken);
        Assert.Empty(thread.Failures);
    }

    private static async Task AdvanceAsync(LoopThread thread, ManualTime time, double seconds)
    {
        time.Advance(TimeSpan.FromSeconds(seconds));
        await thread.SettleAsync();
    }

    [Fact]
    public async Task The_status_shows_the_longest_turn_of_the_loop()
    {
        using var point = new NotifyPoint(Abstract);
        using var thread = new LoopThread(new ManualTime());
        ServiceManager manager = point.Manager();
        var report = Report(thread, manager);
        await thread.RunAsync(report.Start);
        Assert.Matches(Longest(), Assert.Single(point.Told()));
    }

    /// <summary>The sent status without the longest turn, which differs each time.</summary>
    private static ServiceReport Report(LoopThread thread, ServiceManager manager, Func<bool>? isHealthy = null) => new(
        thread.Loop, manager, NotifyPoint.Notifier(manager), new RequestCounts(static () => { }), isHealthy ?? (static () => true));

    private static string[] Told(NotifyPoint point) => [.. point.Told().Select(state => Longest().Replace(state, ""))];

    [GeneratedRegex("; longest loop turn [0-9]+\\.[0-9] ms$")]
    private static partial Regex Longest();
}
