using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Fairness;

public sealed class FairTurnsTests : IDisposable
{
    private readonly ManualTime time = new();
    private readonly LoopThread thread;
    private readonly List<string> done = [];

    public FairTurnsTests() => thread = new LoopThread(time);

    public void Dispose() => thread.Dispose();

    [Fact]
    public async Task Work_within_the_budget_runs_at_once_if_nothing_waits()
    {
        var turns = new FairTurns(thread.Loop);
        await thread.RunAsync(() =>
        {
            for (int i = 0; i < 100; i++)
                Assert.True(turns.EnterAsync(TestCallers.Alice).AsTask().IsCompletedSuccessfully);
        });
    }

    [Fact]
    public async Task Work_that_exceeds_the_budget_waits_and_the_buckets_are_served_in_turn()
    {
        var turns = new FairTurns(thread.Loop);
        var all = new List<Task>();
        await thread.RunAsync(() =>
        {
            foreach (string name in new[] { "a1", "a2", "a3", "a4" })
                all.Add(WorkAsync(turns, TestCallers.Alice, name, FairTurns.Budget));
            all.Add(WorkAsync(turns, TestCallers.Bob, "b1", FairTurns.Budget));
            Assert.Equal(["a1"], done);
            Assert.Equal(4, turns.Waiting);
            return Task.WhenAll(all);
        });
        Assert.Equal(["a1", "a2", "b1", "a3", "a4"], done);
    }

    [Fact]
    public async Task Other_callbacks_of_the_loop_run_between_two_budgets()
    {
        var turns = new FairTurns(thread.Loop);
        await thread.RunAsync(async () =>
        {
            Task[] work = [.. Enumerable.Range(0, 6).Select(i => WorkAsync(turns, TestCallers.Alice, $"{i}", FairTurns.Budget / 2))];
            thread.Loop.Post(_ => done.Add("other"), null);
            await Task.WhenAll(work);
        });

        // Two pieces fit into one budget; the callback that was posted after the first two runs before the last two.
        Assert.Equal(["0", "1", "2", "3", "other", "4", "5"], done);
    }

    [Fact]
    public async Task New_work_does_not_overtake_waiting_work()
    {
        var turns = new FairTurns(thread.Loop);
        await thread.RunAsync(async () =>
        {
            Task[] first = [.. Enumerable.Range(0, 3).Select(i => WorkAsync(turns, TestCallers.Alice, $"{i}", FairTurns.Budget))];
            await Task.Yield();
            Task late = WorkAsync(turns, TestCallers.Alice, "late", TimeSpan.Zero);
            await Task.WhenAll([.. first, late]);
        });
        Assert.Equal(["0", "1", "2", "late"], done);
    }

    private async Task WorkAsync(FairTurns turns, Bucket bucket, string name, TimeSpan length)
    {
        await turns.EnterAsync(bucket);
        done.Add(name);
        time.Advance(length);
    }
}
