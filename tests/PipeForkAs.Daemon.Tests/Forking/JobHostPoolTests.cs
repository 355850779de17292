using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Forking;

public sealed class JobHostPoolTests(FakeHosts fakes) : JobHostHarness(fakes)
{
    [Fact]
    public async Task The_configured_number_of_workers_waits_and_a_used_worker_is_replaced()
    {
        await StartAsync("good", workers: 3);
        await UntilAsync(() => Host.ReadyWorkers == 3);

        // Not before the request has its reply, or some time has passed.
        ForkedWorker worker = await TakeAsync();
        await Loop.SettleAsync();
        Assert.Equal(2, Host.ReadyWorkers);
        await UntilAsync(() => Host.ReadyWorkers == 3, each: () => Time.Advance(TimeSpan.FromMilliseconds(1)));
        ForkedWorker other = await TakeAsync();
        await Loop.RunAsync(other.Answered);
        await UntilAsync(() => Host.ReadyWorkers == 3);
        await Loop.RunAsync(other.Release);
        Assert.False(worker.Ended.IsCompleted);
        Libc.kill(worker.Pid, Signal.SIGTERM);
        await UntilAsync(() => worker.Ended.IsCompleted);
        Assert.Equal((true, 15), ((await worker.Ended)!.Value.BySignal, (await worker.Ended)!.Value.Value));

        Assert.True(Exists(worker.Pid), "its number was free before the daemon let go of it");
        await Loop.RunAsync(worker.Release);
        await UntilAsync(() => !Exists(worker.Pid));
    }

    [Fact]
    public async Task Jobs_count_as_unanswered_until_they_end_or_are_no_longer_short()
    {
        await StartAsync("good", workers: 1);
        ForkedWorker first = await TakeAsync(), second = await TakeAsync(), third = await TakeForRootAsync();
        Assert.Equal(3, await UnansweredAsync());
        await Loop.RunAsync(second.Answered);
        Assert.Equal(2, await UnansweredAsync());
        Time.Advance(TimeSpan.FromMilliseconds(10));
        Assert.Equal(2, await UnansweredAsync());
        Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(0, await UnansweredAsync());
        foreach (ForkedWorker worker in new[] { first, second, third })
            await Loop.RunAsync(worker.Release);

        Task<int> UnansweredAsync() => Loop.RunAsync(() => Task.FromResult(Host.CountUnanswered()));
    }

    [Fact]
    public async Task Without_a_pool_workers_are_forked_when_they_are_needed()
    {
        await StartAsync("good", workers: 0);
        Assert.Equal(0, Host.ReadyWorkers);
        await Loop.RunAsync((await TakeAsync()).Release);
        Assert.Equal(0, Host.ReadyWorkers);
    }

    [Theory]
    [InlineData("dies", "exit code 3; is it built with PipeForkAs.Jobs?", "closed its control socket; is it built with PipeForkAs.Jobs?")]
    [InlineData("old", "speaks version", "speaks version")]
    [InlineData("refuses", "I would rather not", "I would rather not")]
    [InlineData("unasked", "sent Ready; this stage allows Hello, Refused", "sent Ready; this stage allows Hello, Refused")]
    [InlineData(
        "greets-twice", "sent Hello; this stage allows JobOffer, Ready, Refused",
        "sent Hello; this stage allows JobOffer, Ready, Refused")]
    [InlineData(
        "hasty", "sent Forked; this stage allows JobOffer, Ready, Refused", "sent Forked; this stage allows JobOffer, Ready, Refused")]
    [InlineData("/not/there", "cannot be started: ", "cannot be started: ")]
    public async Task A_job_host_that_cannot_serve_fails_the_start_with_its_reason(string behaviour, string reason, string orReason)
    {
        string message = (await Assert.ThrowsAsync<JobHostException>(() => StartAsync(behaviour, workers: 1))).Message;
        Assert.True(message.Contains(reason, StringComparison.Ordinal) || message.Contains(orReason, StringComparison.Ordinal), message);
    }

    [Theory]
    [InlineData("twice", "sent Ready; this stage allows Forked, Exited, ForkFailed, Pong, Refused")]
    [InlineData("greets-late", "sent Hello; this stage allows Forked, Exited, ForkFailed, Pong, Refused")]
    [InlineData("offers-late", "sent JobOffer; this stage allows Forked, Exited, ForkFailed, Pong, Refused")]
    [InlineData("babbles", "sent a message of the unknown kind 99")]
    [InlineData("eager", "forked a worker that the daemon did not request")]
    public async Task A_job_host_that_breaks_the_protocol_is_lost(string behaviour, string reason)
    {
        await StartAsync(behaviour, workers: 0);
        await UntilAsync(
            () => Log.Lines.Any(
                line => line.Contains(reason, StringComparison.Ordinal)
                && line.EndsWith("it will be restarted in 0.1 s", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_silent_job_host_fails_the_start_at_the_deadline()
    {
        Task starting = StartAsync("silent", workers: 1);
        await UntilAsync(() => starting.IsCompleted, each: () => Time.Advance(TimeSpan.FromSeconds(10)));
        Assert.Contains(
            "did not become ready within 60 s", (await Assert.ThrowsAsync<JobHostException>(() => starting)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_host_that_stops_answering_is_lost_and_its_successor_serves()
    {
        await StartAsync("mute", workers: 0);
        ForkedWorker before = await TakeAsync();
        int parent = ParentOf(before.Pid);
        await UntilAsync(() => before.Ended.IsCompleted, each: () => Time.Advance(TimeSpan.FromSeconds(5)));
        Assert.Null(await before.Ended);
        await Loop.RunAsync(before.Release);

        ForkedWorker after = await TakeAsync();
        Assert.NotEqual(parent, ParentOf(after.Pid));
        await Loop.RunAsync(after.Release);
    }

    [Fact]
    public async Task A_responsive_job_host_stays_however_long_it_is_idle()
    {
        await StartAsync("good", workers: 0);
        int process = Assert.Single(Children());
        for (int i = 0; i < 20; i++)
        {
            Time.Advance(TimeSpan.FromSeconds(5));
            await Loop.SettleAsync();
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
    public async Task A_worker_whose_descriptors_do_not_arrive_fails_the_request_and_is_released()
    {
        await StartAsync("keeps", workers: 0);
        int process = Assert.Single(Children());
        Assert.Contains(
            "descriptors did not arrive", (await Assert.ThrowsAsync<JobHostException>(TakeAsync)).Message, StringComparison.Ordinal);
        await UntilAsync(() => Children(process).Count == 0);
        Assert.Equal([process], Children());
    }

    [Fact]
    public async Task A_request_waits_for_a_worker_until_its_deadline()
    {
        await StartAsync("lazy", workers: 0);
        Task<ForkedWorker> taking = TakeAsync();
        await Loop.SettleAsync();
        Time.Advance(Minute);
        Assert.Contains(
            "no worker was forked within 60 s", (await Assert.ThrowsAsync<JobHostException>(() => taking)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_that_arrives_too_late_is_not_kept()
    {
        await StartAsync("good", workers: 0);
        int process = Assert.Single(Children());
        Libc.kill(new ProcessId(process), new Signal(19)); // SIGSTOP
        Task<ForkedWorker> taking = Loop.RunAsync(
            () => Host.TakeAsync(Bucket.WithoutAccount, TimeSpan.FromSeconds(1), forRoot: false).AsTask());
        await Loop.SettleAsync();
        Time.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<JobHostException>(() => taking);

        Libc.kill(new ProcessId(process), new Signal(18)); // SIGCONT
        ForkedWorker next = await TakeAsync();
        await UntilAsync(() => Children(process).SequenceEqual([next.Pid.Value]));
        Assert.Equal(0, Host.ReadyWorkers);
        await Loop.RunAsync(next.Release);
    }

    [Fact]
    public async Task Requests_without_a_waiting_worker_enlarge_the_pool_and_idle_time_shrinks_it()
    {
        await StartAsync("good", workers: 1, maxWorkers: 3);
        await UntilAsync(() => Host.ReadyWorkers == 1);
        ForkedWorker[] workers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => TakeAsync()));
        Assert.Equal(3, Host.WantedWorkers);

        foreach (ForkedWorker worker in workers)
            await Loop.RunAsync(worker.Release);
        await UntilAsync(() => Host.ReadyWorkers == 3);

        // One of three unused workers is left after two periods.
        int parent = Assert.Single(Children());
        await UntilAsync(() => Host.WantedWorkers == 1, each: () => Time.Advance(TimeSpan.FromMilliseconds(200)));
        Assert.Equal(1, Host.ReadyWorkers);
        await UntilAsync(() => Children(parent).Count == 1);
        Assert.False((await TakeAsync()).Ended.IsCompleted);
    }

    [Fact]
    public async Task No_worker_is_forked_in_advance_while_short_jobs_use_the_processors()
    {
        int many = (2 * Environment.ProcessorCount) + 1;
        await StartAsync("good", workers: many);
        await UntilAsync(() => Host.ReadyWorkers == many);
        ForkedWorker[] workers = await Task.WhenAll(Enumerable.Range(0, many).Select(_ => TakeAsync()));
        for (int i = 0; i < 8; i++)
        {
            Time.Advance(TimeSpan.FromMilliseconds(1));
            await Loop.SettleAsync();
        }

        Assert.Equal(0, Host.ReadyWorkers);

        // One answer frees processor time.
        await Loop.RunAsync(workers[^1].Answered);
        await UntilAsync(() => Host.ReadyWorkers == many);

        // A long job does not delay the others.
        ForkedWorker[] others = await Task.WhenAll(Enumerable.Range(0, many).Select(_ => TakeAsync()));
        await UntilAsync(() => Host.ReadyWorkers == many, each: () => Time.Advance(TimeSpan.FromMilliseconds(1)));
        foreach (ForkedWorker worker in workers.Concat(others))
            await Loop.RunAsync(worker.Release);
    }

    [Fact]
    public async Task An_idle_worker_that_ends_is_replaced_after_a_pause()
    {
        await StartAsync("good", workers: 1);
        await UntilAsync(() => Host.ReadyWorkers == 1);
        ForkedWorker worker = await TakeAsync();
        await UntilAsync(() => Host.ReadyWorkers == 1, each: () => Time.Advance(TimeSpan.FromMilliseconds(1)));
        int parent = ParentOf(worker.Pid);
        int idle = Children(parent).Single(pid => pid != worker.Pid.Value);

        Libc.kill(new ProcessId(idle), Signal.SIGKILL);
        await UntilAsync(
            () => Children(parent).Exists(pid => pid != worker.Pid.Value && pid != idle),
            each: () => Time.Advance(TimeSpan.FromMilliseconds(100)));
        await Loop.RunAsync(worker.Release);
    }

    [Fact]
    public async Task When_a_process_dies_its_workers_are_lost_and_waiting_requests_use_the_successor()
    {
        await StartAsync("good", workers: 0);
        ForkedWorker worker = await TakeAsync();
        Libc.kill(new ProcessId(Assert.Single(Children())), Signal.SIGKILL);
        await UntilAsync(() => worker.Ended.IsCompleted);
        Assert.Null(await worker.Ended);
        await Loop.RunAsync(worker.Release);

        Task<ForkedWorker> taking = TakeAsync();
        await UntilAsync(() => taking.IsCompleted);
        await Loop.RunAsync((await taking).Release);
    }

    [Fact]
    public async Task The_last_messages_of_a_job_host_are_read_before_its_end_is_handled()
    {
        await StartAsync("parting", workers: 0);
        ForkedWorker worker = await TakeAsync();
        await EndWithItsHostAsync(worker);
        Assert.Equal((true, 15), ((await worker.Ended)?.BySignal, (await worker.Ended)?.Value));
        await Loop.RunAsync(worker.Release);
    }

    [Fact]
    public async Task Several_processes_share_the_forks_and_one_takes_over_if_the_other_dies()
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
            await Loop.RunAsync(worker.Release);
    }

    [Fact]
    public async Task A_cancelled_request_no_longer_waits_for_a_worker()
    {
        await StartAsync("lazy", workers: 0);
        Action? leave = null;
        Task<ForkedWorker> taking = Loop.RunAsync(
            () => Host.TakeAsync(Bucket.WithoutAccount, Minute, forRoot: false, left => leave = left).AsTask());
        await Loop.SettleAsync();
        await Loop.RunAsync(leave!);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => taking);
        await Loop.RunAsync(leave!);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Waiting_requests_fail_when_there_will_be_no_workers(bool forRoot)
    {
        await StartAsync("lazy", workers: 0);
        Task<ForkedWorker> taking = Loop.RunAsync(() => Host.TakeAsync(Bucket.WithoutAccount, Minute, forRoot).AsTask());
        await Loop.SettleAsync();
        await Loop.RunAsync(() => Host.Refuse("no more"));
        Assert.Equal("no more", (await Assert.ThrowsAsync<JobHostException>(() => taking)).Message);
    }
}
