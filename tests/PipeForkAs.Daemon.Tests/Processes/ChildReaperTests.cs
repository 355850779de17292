using PipeForkAs.Daemon.Processes;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Processes;

public sealed class ChildReaperTests
{
    [Fact]
    public void A_callback_that_throws_does_not_prevent_reaping_other_children()
    {
        var failures = new List<string>();
        var reaper = new ChildReaper(failure => failures.Add(failure.Message));
        int told = 0;
        for (int i = 0; i < 2; i++)
        {
            reaper.Register(Child.Start("/bin/true"), _ =>
            {
                told++;
                throw new InvalidOperationException("callback");
            });
        }

        Assert.True(SpinWait.SpinUntil(() =>
        {
            reaper.Sweep();
            return told == 2;
        }, TimeSpan.FromSeconds(20)));
        Assert.Equal(["callback", "callback"], failures);
        Assert.Null(Libc.peek_any_ended());
    }

    [Fact]
    public void One_turn_of_the_loop_reaps_a_bounded_number_of_children()
    {
        var reaper = new ChildReaper(static failure => throw failure);
        const int Children = ChildReaper.MostAtOnce + 10;
        ProcessId[] children = [.. Enumerable.Range(0, Children).Select(_ => Child.Start("/bin/true"))];
        Assert.True(SpinWait.SpinUntil(() => children.All(child => Libc.peek_ended(child) is not null), TimeSpan.FromSeconds(20)));

        Assert.True(reaper.Sweep());
        Assert.Equal(10, children.Count(child => Directory.Exists($"/proc/{child}")));
        Assert.False(reaper.Sweep());
        Assert.DoesNotContain(children, child => Directory.Exists($"/proc/{child}"));
    }

    [Fact]
    public async Task A_starting_child_counts_as_registered_for_other_threads()
    {
        var reaper = new ChildReaper(static failure => throw failure);
        using var started = new SemaphoreSlim(0);
        ProcessId child = default;
        Task<bool> seen = Task.Run(async () =>
        {
            await started.WaitAsync(TestContext.Current.CancellationToken);
            return reaper.IsRegistered(child);
        }, TestContext.Current.CancellationToken);
        reaper.Start(() =>
        {
            child = Child.Start("/bin/true");
            started.Release();
            Thread.Sleep(50);
            reaper.Register(child, static _ => { }, isJobHost: true);
            return child;
        });

        Assert.True(await seen);
        Assert.Equal([child.Value], reaper.JobHosts);
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                reaper.Sweep();
                return reaper.JobHosts.Length == 0;
            },
            TimeSpan.FromSeconds(20)));
    }
}
