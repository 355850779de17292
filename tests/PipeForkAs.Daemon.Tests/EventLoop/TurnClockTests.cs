using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Tests.Fakes;

namespace PipeForkAs.Daemon.Tests.EventLoop;

public sealed class TurnClockTests
{
    private readonly ManualTime time = new();
    private readonly List<LongTurn> reported = [];
    private readonly TurnClock clock;
    private TimeSpan processor;

    public TurnClockTests() => clock = new TurnClock(time, () => processor, reported.Add);

    [Fact]
    public void Turns_are_counted_by_duration_and_the_longest_is_recorded()
    {
        Turn(0);
        Turn(3);
        Turn(3);
        Turn(7);
        Turn(9_000);

        TurnTimes times = clock.Times;
        Assert.Equal(5, times.Counts.Sum());
        Assert.Equal(1, times.Counts[0]);
        Assert.Equal(2, times.Counts[IndexOf(0.005)]);
        Assert.Equal(1, times.Counts[IndexOf(0.01)]);
        Assert.Equal(1, times.Counts[^1]);
        Assert.Equal((9.013, 9), (Math.Round(times.Seconds, 6), times.Longest));
    }

    [Fact]
    public void A_long_turn_is_reported_with_its_longest_step()
    {
        clock.Begin();
        Step(10, new object());
        processor += TimeSpan.FromMilliseconds(8);
        Step(60, new Version());
        Step(5, new object());
        clock.End();

        LongTurn turn = Assert.Single(reported);
        Assert.Equal(
            (75, 8, 3, 60),
            (turn.Took.TotalMilliseconds, turn.OnProcessor.TotalMilliseconds, turn.Steps, turn.LongestStep.TotalMilliseconds));
        Assert.Equal("continuation of System.Version", turn.What);
        Assert.Equal((0.008, turn.What), (clock.Times.LongestOnProcessor, clock.Times.LongestStep));
    }

    [Fact]
    public void Turns_below_the_threshold_are_not_reported()
    {
        Turn((int)LongTurn.Threshold.TotalMilliseconds - 1);
        Assert.Empty(reported);
        Turn((int)LongTurn.Threshold.TotalMilliseconds);
        Assert.Single(reported);
    }

    [Fact]
    public void Long_turns_in_quick_succession_are_counted_in_the_next_report()
    {
        for (int i = 0; i < 5; i++)
            Turn(100);
        Assert.Single(reported);
        time.Advance(TurnClock.ReportPause);
        Turn(100);
        Assert.Equal([0, 4], reported.Select(turn => turn.Unreported));
    }

    [Fact]
    public void A_continuation_is_named_by_the_class_whose_code_it_runs()
    {
        Action ofThis = () => Turn(1);
        Assert.Equal(
            $"continuation of {typeof(TurnClockTests).FullName}",
            LongTurn.Describe(ofThis)[..(16 + typeof(TurnClockTests).FullName!.Length)]);
        Assert.Equal("waking up", LongTurn.Describe(null));
    }

    private static int IndexOf(double bound) => TurnTimes.Bounds.ToList().IndexOf(bound);

    private void Turn(int milliseconds)
    {
        clock.Begin();
        Step(milliseconds, this);
        clock.End();
    }

    private void Step(int milliseconds, object what)
    {
        time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        clock.StepEnded(what);
    }
}
