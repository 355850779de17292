using FsCheck;
using FsCheck.Fluent;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Tests.Fakes;

namespace PipeForkAs.Daemon.Tests.EventLoop;

public sealed class TimerHeapTests
{
    private enum Step
    {
        Add,
        Remove,
        Fire,
    }

    [Fact]
    public void The_heap_behaves_like_a_sorted_list()
    {
        Gen<(Step Step, int Number)> step =
            from kind in Gen.Frequency((6, Gen.Constant(Step.Add)), (3, Gen.Constant(Step.Remove)), (2, Gen.Constant(Step.Fire)))
            from number in Gen.Choose(0, 400)
            select (kind, number);
        Properties.Holds(step.ListOf(300), steps => Compare(steps), tests: 200);
    }

    [Fact]
    public void A_failing_timer_is_reported_and_the_timers_after_it_fire()
    {
        var heap = new TimerHeap();
        var failures = new List<string>();
        int fired = 0;
        heap.Add(new LoopTimer(heap, () => throw new InvalidOperationException("first")), 1);
        heap.Add(new LoopTimer(heap, () => fired++), 2);

        Assert.Equal(-1, heap.FireDue(5, failure => failures.Add(failure.Message), 1000));
        Assert.Equal(1, fired);
        Assert.Equal(["first"], failures);
    }

    [Fact]
    public void A_timer_may_cancel_others_while_it_fires()
    {
        var heap = new TimerHeap();
        int fired = 0;
        var later = new LoopTimer(heap, () => fired += 100);
        heap.Add(later, 2);
        heap.Add(
            new LoopTimer(heap, () =>
            {
                fired++;
                later.Dispose();
            }),
            1);
        Assert.Equal(-1, heap.FireDue(5, Unexpected, 1000));
        Assert.Equal((1, 0), (fired, heap.Count));
    }

    [Theory]
    [InlineData(0, 1_000, 1_001)]
    [InlineData(999, 1_000, 2)]
    [InlineData(0, long.MaxValue / 2, int.MaxValue)]
    public void The_wait_is_rounded_up_so_that_the_timer_is_due_at_its_end(long now, long due, int expected)
    {
        var heap = new TimerHeap();
        heap.Add(new LoopTimer(heap, () => { }), due);
        Assert.Equal(expected, heap.FireDue(now, Unexpected, 1000));
    }

    private static void Compare(IEnumerable<(Step Step, int Number)> steps)
    {
        var heap = new TimerHeap();
        var model = new List<(long Due, LoopTimer Timer)>();
        var fired = new List<LoopTimer>();
        long now = 0;
        foreach ((Step step, int number) in steps)
        {
            switch (step)
            {
                case Step.Add:
                    LoopTimer? made = null;
                    made = new LoopTimer(heap, () => fired.Add(made!));
                    heap.Add(made, now + number);
                    model.Add((now + number, made));
                    break;
                case Step.Remove when model.Count > 0:
                    (long Due, LoopTimer Timer) removed = model[number % model.Count];
                    model.Remove(removed);
                    removed.Timer.Dispose();
                    removed.Timer.Dispose();
                    break;
                case Step.Fire:
                    now += number / 4;
                    fired.Clear();
                    int wait = heap.FireDue(now, Unexpected, 1000);
                    (long Due, LoopTimer Timer)[] due = [.. model.Where(item => item.Due <= now)];
                    Assert.Equal(due.Select(item => item.Due).Order(), fired.Select(timer => due.Single(item => item.Timer == timer).Due));
                    model.RemoveAll(item => item.Due <= now);
                    Assert.Equal(model.Count == 0 ? -1 : model.Min(item => item.Due) - now + 1, wait);
                    break;
            }

            Assert.Equal(model.Count, heap.Count);
        }
    }

    private static void Unexpected(Exception failure) => Assert.Fail(failure.ToString());
}
