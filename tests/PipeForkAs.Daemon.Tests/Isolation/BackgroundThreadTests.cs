using PipeForkAs.Daemon.Isolation;

namespace PipeForkAs.Daemon.Tests.Isolation;

public sealed class BackgroundThreadTests
{
    [Fact(Timeout = 20_000)]
    public async Task Work_runs_in_order_on_one_thread_and_exceptions_reach_the_caller()
    {
        var side = new BackgroundThread("test");
        var threads = new List<int>();
        var order = new List<int>();
        Task[] done = [.. Enumerable.Range(0, 100).Select(number => side.RunAsync(() =>
        {
            threads.Add(Environment.CurrentManagedThreadId);
            order.Add(number);
        }))];
        Task failing = side.RunAsync(static () => throw new InvalidOperationException("of the work"));
        Task after = side.RunAsync(static () => { });

        await Task.WhenAll(done);
        await after;

        Assert.Equal("of the work", (await Assert.ThrowsAsync<InvalidOperationException>(() => failing)).Message);
        Assert.Equal(Enumerable.Range(0, 100), order);
        Assert.Single(threads.Distinct());
        Assert.NotEqual(Environment.CurrentManagedThreadId, threads[0]);
        side.Stop();
    }
}
