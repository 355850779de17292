using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Fairness;

public sealed class FairGateTests
{
    private static readonly Task Never = new TaskCompletionSource().Task;

    [Fact]
    public Task One_bucket_cannot_take_all_places_and_buckets_are_served_in_turn() => OnLoopAsync(async loop =>
    {
        var gate = new FairGate(loop, places: 3, placesPerBucket: 2);
        Task<bool>[] alice = [.. Enumerable.Range(0, 5).Select(_ => gate.EnterAsync(TestCallers.Alice, Never).AsTask())];
        Task<bool>[] bob = [.. Enumerable.Range(0, 2).Select(_ => gate.EnterAsync(TestCallers.Bob, Never).AsTask())];
        Assert.Equal([true, true, false, false, false], alice.Select(task => task.IsCompleted));
        Assert.Equal([true, false], bob.Select(task => task.IsCompleted));

        gate.Leave(TestCallers.Alice);
        Assert.True(await alice[2]);
        Assert.False(bob[1].IsCompleted);
        gate.Leave(TestCallers.Alice);
        Assert.True(await bob[1]);
        Assert.False(alice[3].IsCompleted);
    });

    [Fact]
    public Task A_cancelled_waiter_takes_no_place_even_if_it_was_just_admitted() => OnLoopAsync(async loop =>
    {
        var gate = new FairGate(loop, places: 1, placesPerBucket: 1);
        Assert.True(await gate.EnterAsync(TestCallers.Alice, Never));
        var leaves = new TaskCompletionSource();
        var late = new TaskCompletionSource();
        Task<bool> first = gate.EnterAsync(TestCallers.Bob, leaves.Task).AsTask();
        Task<bool> second = gate.EnterAsync(TestCallers.Bob, late.Task).AsTask();
        Task<bool> third = gate.EnterAsync(TestCallers.Alice, Never).AsTask();
        leaves.SetResult();
        Assert.False(await first);

        // The second one is admitted here and cancelled before it is resumed.
        gate.Leave(TestCallers.Alice);
        late.SetResult();
        Assert.False(await second);
        Assert.True(await third);
        gate.Leave(TestCallers.Alice);
        Assert.True(gate.IsIdle);
    });

    [Fact]
    public Task A_long_queue_whose_waiters_leave_at_once_needs_no_deep_stack() => OnLoopAsync(async loop =>
    {
        var gate = new FairGate(loop, places: 1, placesPerBucket: 1);
        Assert.True(await gate.EnterAsync(TestCallers.Alice, Never));
        Task[] line = [.. Enumerable.Range(0, 100_000).Select(_ => PassAsync(gate))];
        gate.Leave(TestCallers.Alice);
        await Task.WhenAll(line);
        Assert.True(gate.IsIdle);
    });

    private static async Task PassAsync(FairGate gate)
    {
        Assert.True(await gate.EnterAsync(TestCallers.Alice, Never));
        gate.Leave(TestCallers.Alice);
    }

    private static async Task OnLoopAsync(Func<Loop, Task> test)
    {
        using var thread = new LoopThread();
        await thread.RunAsync(() => test(thread.Loop));
        Assert.Empty(thread.Failures);
    }
}
