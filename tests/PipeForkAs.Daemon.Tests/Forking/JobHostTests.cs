using System.Diagnostics;
using System.Globalization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Forking;

public sealed class JobHostTests(FakeHosts fakes) : IClassFixture<FakeHosts>, IAsyncDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly ManualTime time = new();
    private readonly ChildReaper reaper = new(static failure => throw failure);
    private readonly LogLines log = new();
    private LoopThread? loop;
    private JobHost? host;

    public async ValueTask DisposeAsync()
    {
        if (host is not null)
        {
            Task stopped = loop!.RunAsync(host.StopAsync);
            await UntilAsync(() => stopped.IsCompleted);
        }

        await UntilAsync(() => Children().Count == 0);
        loop?.Dispose();
    }

    [Fact]
    public async Task As_many_workers_as_configured_wait_and_one_that_is_taken_is_replaced()
    {
        await StartAsync("good", workers: 3);
        await UntilAsync(() => host!.ReadyWorkers == 3);

        // Not before the request has its answer, or some time has passed.
        ForkedWorker worker = await TakeAsync();
        await loop!.SettleAsync();
        Assert.Equal(2, host!.ReadyWorkers);
        await UntilAsync(() => host!.ReadyWorkers == 3, each: () => time.Advance(TimeSpan.FromMilliseconds(1)));
        ForkedWorker other = await TakeAsync();
        await loop.RunAsync(other.Answered);
        await UntilAsync(() => host!.ReadyWorkers == 3);
        await loop.RunAsync(other.Release);
        Assert.False(worker.Ended.IsCompleted);
        Libc.kill(worker.Pid, Signal.SIGTERM);
        await UntilAsync(() => worker.Ended.IsCompleted);
        Assert.Equal((true, 15), ((await worker.Ended)!.Value.BySignal, (await worker.Ended)!.Value.Value));

        Assert.True(Exists(worker.Pid), "its number was free before the daemon let go of it");
        await loop.RunAsync(worker.Release);
        await UntilAsync(() => !Exists(worker.Pid));
    }

    [Fact]
    public async Task Jobs_count_as_unanswered_until_they_are_answered_or_no_short_jobs_any_more()
    {
        await StartAsync("good", workers: 1);
        ForkedWorker first = await TakeAsync(), second = await TakeAsync(), third = await TakeForRootAsync();
        Assert.Equal(3, await UnansweredAsync());
        await loop!.RunAsync(second.Answered);
        Assert.Equal(2, await UnansweredAsync());
        time.Advance(TimeSpan.FromMilliseconds(10));
        Assert.Equal(2, await UnansweredAsync());
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(0, await UnansweredAsync());
        foreach (ForkedWorker worker in new[] { first, second, third })
            await loop.RunAsync(worker.Release);

        Task<int> UnansweredAsync() => loop!.RunAsync(() => Task.FromResult(host!.CountUnanswered()));
    }

    [Fact]
    public async Task Without_a_pool_workers_are_forked_when_they_are_needed()
    {
        await StartAsync("good", workers: 0);
        Assert.Equal(0, host!.ReadyWorkers);
        await loop!.RunAsync((await TakeAsync()).Release);
        Assert.Equal(0, host.ReadyWorkers);
    }

    [Theory]
    [InlineData("dies", "exit code 3; is it built with PipeForkAs.Jobs?", "closed its control socket; is it built with PipeForkAs.Jobs?")]
    [InlineData("old", "speaks version", "speaks version")]
    [InlineData("refuses", "I would rather not", "I would rather not")]
    [InlineData("/not/there", "cannot be started: ", "cannot be started: ")]
    public async Task A_job_host_that_cannot_serve_fails_the_start_with_its_reason(string behaviour, string reason, string orReason)
    {
        string message = (await Assert.ThrowsAsync<JobHostException>(() => StartAsync(behaviour, workers: 1))).Message;
        Assert.True(message.Contains(reason, StringComparison.Ordinal) || message.Contains(orReason, StringComparison.Ordinal), message);
    }

    [Theory]
    [InlineData("twice", "introduced itself twice")]
    [InlineData("babbles", "kind 99")]
    [InlineData("eager", "forked a worker that nobody asked for")]
    public async Task A_job_host_that_says_what_it_must_not_is_lost(string behaviour, string reason)
    {
        await StartAsync(behaviour, workers: 0);
        await UntilAsync(() => log.Lines.Any(line => line.Contains(reason, StringComparison.Ordinal) && line.EndsWith("it is started again in 0.1 s", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_job_host_that_says_nothing_fails_the_start_at_its_deadline()
    {
        Task starting = StartAsync("silent", workers: 1);
        await UntilAsync(() => starting.IsCompleted, each: () => time.Advance(TimeSpan.FromSeconds(10)));
        Assert.Contains("did not become ready within 60 s", (await Assert.ThrowsAsync<JobHostException>(() => starting)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_host_that_answers_no_more_is_lost_and_its_successor_serves()
    {
        await StartAsync("mute", workers: 0);
        ForkedWorker before = await TakeAsync();
        int parent = ParentOf(before.Pid);
        await UntilAsync(() => before.Ended.IsCompleted, each: () => time.Advance(TimeSpan.FromSeconds(5)));
        Assert.Null(await before.Ended);
        await loop!.RunAsync(before.Release);

        ForkedWorker after = await TakeAsync();
        Assert.NotEqual(parent, ParentOf(after.Pid));
        await loop.RunAsync(after.Release);
    }

    [Fact]
    public async Task A_job_host_that_answers_stays_however_long_nothing_is_asked_of_it()
    {
        await StartAsync("good", workers: 0);
        int process = Assert.Single(Children());
        for (int i = 0; i < 20; i++)
        {
            time.Advance(TimeSpan.FromSeconds(5));
            await loop!.SettleAsync();
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.Equal([process], Children());
    }

    [Fact]
    public async Task A_fork_that_fails_fails_the_request_that_waits_for_it()
    {
        await StartAsync("stingy", workers: 0);
        Assert.Equal("fork: EAGAIN", (await Assert.ThrowsAsync<JobHostException>(TakeAsync)).Message);
    }

    [Fact]
    public async Task A_worker_whose_descriptors_do_not_arrive_fails_the_request_and_is_let_go()
    {
        await StartAsync("keeps", workers: 0);
        int process = Assert.Single(Children());
        Assert.Contains("descriptors did not arrive", (await Assert.ThrowsAsync<JobHostException>(TakeAsync)).Message, StringComparison.Ordinal);
        await UntilAsync(() => Children(process).Count == 0);
        Assert.Equal([process], Children());
    }

    [Fact]
    public async Task A_request_waits_for_a_worker_until_its_deadline()
    {
        await StartAsync("lazy", workers: 0);
        Task<ForkedWorker> taking = TakeAsync();
        await loop!.SettleAsync();
        time.Advance(Minute);
        Assert.Contains("no worker was forked within 60 s", (await Assert.ThrowsAsync<JobHostException>(() => taking)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_that_comes_too_late_does_not_lie_ready()
    {
        await StartAsync("good", workers: 0);
        int process = Assert.Single(Children());
        Libc.kill(new ProcessId(process), new Signal(19)); // SIGSTOP
        Task<ForkedWorker> taking = loop!.RunAsync(() => host!.TakeAsync(TimeSpan.FromSeconds(1), forRoot: false).AsTask());
        await loop.SettleAsync();
        time.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<JobHostException>(() => taking);

        Libc.kill(new ProcessId(process), new Signal(18)); // SIGCONT
        ForkedWorker next = await TakeAsync();
        await UntilAsync(() => Children(process).SequenceEqual([next.Pid.Value]));
        Assert.Equal(0, host!.ReadyWorkers);
        await loop.RunAsync(next.Release);
    }

    [Fact]
    public async Task Requests_that_find_no_worker_make_the_pool_larger_and_quiet_makes_it_smaller()
    {
        await StartAsync("good", workers: 1, maxWorkers: 3);
        await UntilAsync(() => host!.ReadyWorkers == 1);
        ForkedWorker[] workers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => TakeAsync()));
        Assert.Equal(3, host!.WantedWorkers);

        foreach (ForkedWorker worker in workers)
            await loop!.RunAsync(worker.Release);
        await UntilAsync(() => host.ReadyWorkers == 3);

        // Of three that nobody needed one is left, by way of two periods.
        int parent = Assert.Single(Children());
        await UntilAsync(() => host.WantedWorkers == 1, each: () => time.Advance(TimeSpan.FromMilliseconds(200)));
        Assert.Equal(1, host.ReadyWorkers);
        await UntilAsync(() => Children(parent).Count == 1);
        Assert.False((await TakeAsync()).Ended.IsCompleted);
    }

    [Fact]
    public async Task While_the_processors_have_short_jobs_nothing_is_forked_in_advance()
    {
        int many = (2 * Environment.ProcessorCount) + 1;
        await StartAsync("good", workers: many);
        await UntilAsync(() => host!.ReadyWorkers == many);
        ForkedWorker[] workers = await Task.WhenAll(Enumerable.Range(0, many).Select(_ => TakeAsync()));
        for (int i = 0; i < 8; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            await loop!.SettleAsync();
        }

        Assert.Equal(0, host!.ReadyWorkers);

        // One answer, and there is time.
        await loop!.RunAsync(workers[^1].Answered);
        await UntilAsync(() => host.ReadyWorkers == many);

        // Who takes long keeps nobody waiting.
        ForkedWorker[] others = await Task.WhenAll(Enumerable.Range(0, many).Select(_ => TakeAsync()));
        await UntilAsync(() => host.ReadyWorkers == many, each: () => time.Advance(TimeSpan.FromMilliseconds(1)));
        foreach (ForkedWorker worker in workers.Concat(others))
            await loop.RunAsync(worker.Release);
    }

    [Fact]
    public async Task An_idle_worker_that_ends_is_replaced_after_a_pause()
    {
        await StartAsync("good", workers: 1);
        await UntilAsync(() => host!.ReadyWorkers == 1);
        ForkedWorker worker = await TakeAsync();
        await UntilAsync(() => host!.ReadyWorkers == 1, each: () => time.Advance(TimeSpan.FromMilliseconds(1)));
        int parent = ParentOf(worker.Pid);
        int idle = Children(parent).Single(pid => pid != worker.Pid.Value);

        Libc.kill(new ProcessId(idle), Signal.SIGKILL);
        await UntilAsync(() => Children(parent).Exists(pid => pid != worker.Pid.Value && pid != idle), each: () => time.Advance(TimeSpan.FromMilliseconds(100)));
        await loop!.RunAsync(worker.Release);
    }

    [Fact]
    public async Task When_a_process_dies_its_workers_are_lost_and_who_waits_gets_one_of_its_successor()
    {
        await StartAsync("good", workers: 0);
        ForkedWorker worker = await TakeAsync();
        Libc.kill(new ProcessId(Assert.Single(Children())), Signal.SIGKILL);
        await UntilAsync(() => worker.Ended.IsCompleted);
        Assert.Null(await worker.Ended);
        await loop!.RunAsync(worker.Release);

        Task<ForkedWorker> taking = TakeAsync();
        await UntilAsync(() => taking.IsCompleted);
        await loop.RunAsync((await taking).Release);
    }

    [Fact]
    public async Task Several_processes_share_the_forks_and_one_does_where_the_other_died()
    {
        await StartAsync("good", workers: 0, processes: 2);
        Assert.Equal(2, Children().Count);
        ForkedWorker[] workers = await Task.WhenAll(TakeAsync(), TakeAsync());
        Assert.Equal(2, workers.Select(worker => ParentOf(worker.Pid)).Distinct().Count());

        int dead = ParentOf(workers[0].Pid);
        Libc.kill(new ProcessId(dead), Signal.SIGKILL);
        await UntilAsync(() => workers[0].Ended.IsCompleted);
        Assert.False(workers[1].Ended.IsCompleted);
        ForkedWorker another = await TakeAsync();
        await UntilAsync(() => Children().Count(pid => pid != dead) >= 2);
        foreach (ForkedWorker worker in workers.Append(another))
            await loop!.RunAsync(worker.Release);
    }

    [Fact]
    public async Task Workers_for_root_come_of_a_process_of_their_own_which_starts_with_the_first()
    {
        await StartAsync("good", workers: 1);
        await UntilAsync(() => host!.ReadyWorkers == 1);
        int ordinary = Assert.Single(Children());
        ForkedWorker[] workers = await Task.WhenAll(TakeForRootAsync(), TakeForRootAsync());
        int process = ParentOf(workers[0].Pid);
        Assert.NotEqual(ordinary, process);
        Assert.Equal(process, ParentOf(workers[1].Pid));
        Assert.Contains("--serve-pipeforkas-root", CommandLine(process), StringComparison.Ordinal);
        Assert.DoesNotContain("--serve-pipeforkas-root", CommandLine(ordinary), StringComparison.Ordinal);
        Assert.Equal(2, host!.Pids.Count());
        foreach (ForkedWorker worker in workers)
            await loop!.RunAsync(worker.Release);

        // None of its workers lies ready.
        await UntilAsync(() => Children(process).Count == 0);
        Assert.Equal(1, host.ReadyWorkers);
    }

    [Fact]
    public async Task Where_the_process_for_root_cannot_serve_the_order_is_told_why_and_the_next_one_tries_again()
    {
        await StartAsync("rootless", workers: 0);
        for (int i = 0; i < 2; i++)
            Assert.EndsWith("cannot serve: not for root", (await Assert.ThrowsAsync<JobHostException>(TakeForRootAsync)).Message, StringComparison.Ordinal);
        await loop!.RunAsync((await TakeAsync()).Release);
        Assert.True(host!.IsWell);
    }

    [Fact]
    public async Task The_process_for_root_must_hold_the_jobs_that_the_others_hold()
    {
        await StartAsync("renewed", workers: 0);
        Assert.Contains("the executable was replaced", (await Assert.ThrowsAsync<JobHostException>(TakeForRootAsync)).Message, StringComparison.Ordinal);
        await UntilAsync(() => Children().Count == 1);
    }

    [Fact]
    public async Task A_process_for_root_that_dies_is_started_again_for_those_who_wait_and_else_for_the_next_order()
    {
        await StartAsync("good", workers: 0);
        ForkedWorker first = await TakeForRootAsync();
        int process = ParentOf(first.Pid);
        Libc.kill(new ProcessId(process), new Signal(19)); // SIGSTOP
        Task<ForkedWorker> waiting = loop!.RunAsync(() => host!.TakeAsync(Minute, forRoot: true).AsTask());
        await loop.SettleAsync();
        Libc.kill(new ProcessId(process), Signal.SIGKILL);
        await UntilAsync(() => waiting.IsCompleted);
        ForkedWorker second = await waiting;
        Assert.Null(await first.Ended);

        int successor = ParentOf(second.Pid);
        Assert.NotEqual(process, successor);
        Libc.kill(new ProcessId(successor), Signal.SIGKILL);
        await UntilAsync(() => second.Ended.IsCompleted && log.Lines.Any(line => line.EndsWith("it is started again when it is needed", StringComparison.Ordinal)));
        await UntilAsync(() => Children().Count == 1);

        ForkedWorker third = await TakeForRootAsync();
        foreach (ForkedWorker worker in new[] { first, second, third })
            await loop.RunAsync(worker.Release);
    }

    [Fact]
    public async Task Who_is_gone_waits_no_more()
    {
        await StartAsync("lazy", workers: 0);
        Action? leave = null;
        Task<ForkedWorker> taking = loop!.RunAsync(() => host!.TakeAsync(Minute, forRoot: false, left => leave = left).AsTask());
        await loop.SettleAsync();
        await loop.RunAsync(leave!);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => taking);
        await loop.RunAsync(leave!);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_waits_when_there_will_be_no_workers_is_told(bool forRoot)
    {
        await StartAsync("lazy", workers: 0);
        Task<ForkedWorker> taking = loop!.RunAsync(() => host!.TakeAsync(Minute, forRoot).AsTask());
        await loop.SettleAsync();
        await loop.RunAsync(() => host!.Refuse("no more"));
        Assert.Equal("no more", (await Assert.ThrowsAsync<JobHostException>(() => taking)).Message);
    }

    private async Task StartAsync(string behaviour, int workers, int processes = 1, int? maxWorkers = null)
    {
        loop = new LoopThread(time);
        var options = new JobHostOptions { Path = behaviour.StartsWith('/') ? behaviour : fakes.Path(behaviour), Workers = workers, MaxWorkers = maxWorkers, Processes = processes };
        host = new JobHost(loop.Loop, reaper, options, log);
        Task started = loop.RunAsync(() => host.StartAsync(new SweepIsolation(loop.Loop, reaper, log)));
        await UntilAsync(() => started.IsCompleted || behaviour == "silent");
        await started;
    }

    private Task<ForkedWorker> TakeAsync() => loop!.RunAsync(() => host!.TakeAsync(Minute, forRoot: false).AsTask());

    /// <summary>A process of its own starts meanwhile, and its failing is seen by the reaper.</summary>
    private async Task<ForkedWorker> TakeForRootAsync()
    {
        Task<ForkedWorker> taking = loop!.RunAsync(() => host!.TakeAsync(Minute, forRoot: true).AsTask());
        await UntilAsync(() => taking.IsCompleted);
        return await taking;
    }

    /// <summary>Waits, and does meanwhile what SIGCHLD does in the daemon.</summary>
    private async Task UntilAsync(Func<bool> condition, Action? each = null)
    {
        for (long start = Stopwatch.GetTimestamp(); !condition(); each?.Invoke())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20), "it does not come");
            await loop!.RunAsync(reaper.Sweep);
            await Task.Delay(2, TestContext.Current.CancellationToken);
        }
    }

    private static string CommandLine(int pid) => File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cmdline"));

    private static bool Exists(ProcessId pid) => Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid.Value}"));

    private static int ParentOf(ProcessId pid) => ProcessEntry.Read(pid.Value)?.Parent ?? 0;

    private static List<int> Children() => Children(Environment.ProcessId);

    private static List<int> Children(int parent) => [.. ProcessEntry.All().Where(process => process.Parent == parent && process.IsAlive).Select(process => process.Pid)];
}
