using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Forking;

/// <summary>Tests the process of a job host that forks workers only for root, on demand.</summary>
public sealed class RootJobHostPoolTests(FakeHosts fakes) : JobHostHarness(fakes)
{
    [Fact]
    public async Task Workers_for_root_have_a_separate_process_that_starts_with_the_first_order()
    {
        await StartAsync("good", workers: 1);
        await UntilAsync(() => Host.ReadyWorkers == 1);
        int ordinary = Assert.Single(Children());
        ForkedWorker[] workers = await Task.WhenAll(TakeForRootAsync(), TakeForRootAsync());
        int process = ParentOf(workers[0].Pid);
        Assert.NotEqual(ordinary, process);
        Assert.Equal(process, ParentOf(workers[1].Pid));
        Assert.Contains("--serve-pipeforkas-root", CommandLine(process), StringComparison.Ordinal);
        Assert.DoesNotContain("--serve-pipeforkas-root", CommandLine(ordinary), StringComparison.Ordinal);
        Assert.Equal(2, Host.Pids.Count());
        foreach (ForkedWorker worker in workers)
            await Loop.RunAsync(worker.Release);

        // None of its workers waits in advance.
        await UntilAsync(() => Children(process).Count == 0);
        Assert.Equal(1, Host.ReadyWorkers);
    }

    [Fact]
    public async Task If_the_process_for_root_cannot_serve_the_order_fails_and_the_next_one_tries_again()
    {
        await StartAsync("rootless", workers: 0);
        for (int i = 0; i < 2; i++)
            Assert.EndsWith(
                "cannot serve: not for root", (await Assert.ThrowsAsync<JobHostException>(TakeForRootAsync)).Message,
                StringComparison.Ordinal);
        await Loop.RunAsync((await TakeAsync()).Release);
        Assert.True(Host.IsHealthy);
    }

    [Fact]
    public async Task The_process_for_root_must_have_the_same_jobs_as_the_others()
    {
        await StartAsync("renewed", workers: 0);
        Assert.Contains(
            "the executable was replaced", (await Assert.ThrowsAsync<JobHostException>(TakeForRootAsync)).Message,
            StringComparison.Ordinal);
        await UntilAsync(() => Children().Count == 1);
    }

    [Fact]
    public async Task A_process_for_root_that_dies_is_restarted_for_waiting_orders_or_the_next_one()
    {
        await StartAsync("good", workers: 0);
        ForkedWorker first = await TakeForRootAsync();
        int process = ParentOf(first.Pid);
        Libc.kill(new ProcessId(process), new Signal(19)); // SIGSTOP
        Task<ForkedWorker> waiting = Loop.RunAsync(() => Host.TakeAsync(Bucket.WithoutAccount, Minute, forRoot: true).AsTask());
        await Loop.SettleAsync();
        Libc.kill(new ProcessId(process), Signal.SIGKILL);
        await UntilAsync(() => waiting.IsCompleted);
        ForkedWorker second = await waiting;
        Assert.Null(await first.Ended);

        int successor = ParentOf(second.Pid);
        Assert.NotEqual(process, successor);
        Libc.kill(new ProcessId(successor), Signal.SIGKILL);
        await UntilAsync(
            () => second.Ended.IsCompleted
            && Log.Lines.Any(line => line.EndsWith("it will be restarted on the next request", StringComparison.Ordinal)));
        await UntilAsync(() => Children().Count == 1);

        ForkedWorker third = await TakeForRootAsync();
        foreach (ForkedWorker worker in new[] { first, second, third })
            await Loop.RunAsync(worker.Release);
    }
}
