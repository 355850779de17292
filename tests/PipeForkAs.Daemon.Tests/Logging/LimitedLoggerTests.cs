using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Tests.Fakes;

namespace PipeForkAs.Daemon.Tests.Logging;

/// <summary>A log that clients and jobs cannot fill.</summary>
public sealed class LimitedLoggerTests
{
    private readonly LogLines lines = new();
    private readonly ManualTime time = new();

    [Fact]
    public void Of_each_event_some_lines_per_minute_are_written_and_then_how_many_more_there_were()
    {
        using var limited = new LimitedLogger(lines, time);
        for (int i = 0; i < 1000; i++)
        {
            Log.AcceptFailed(limited, "EMFILE");
            Log.WorkerFailed(limited, "alice", "step Execute");
        }

        Log.Stopped(limited);
        Assert.Equal((2 * LimitedLogger.PerMinute) + 1, lines.Lines.Count);
        Assert.Contains("stopped", lines.Lines);
        Assert.Equal(2 * (1000 - LimitedLogger.PerMinute), limited.Suppressed);

        limited.Flush();
        Assert.Equal(
            [
                $"{1000 - LimitedLogger.PerMinute} more lines of event AcceptFailed were suppressed; the limit is 60 per minute",
                $"{1000 - LimitedLogger.PerMinute} more lines of event WorkerFailed were suppressed; the limit is 60 per minute",
            ],
            lines.Lines.TakeLast(2));
        limited.Flush();
        Assert.Equal((2 * LimitedLogger.PerMinute) + 3, lines.Lines.Count);

        time.Advance(TimeSpan.FromSeconds(10));
        for (int i = 0; i < 1000; i++)
            Log.AcceptFailed(limited, "EMFILE");
        Assert.Equal((2 * LimitedLogger.PerMinute) + 3 + 10, lines.Lines.Count);
    }

    [Fact]
    public void What_was_left_out_at_the_end_is_said_at_the_end()
    {
        using (var limited = new LimitedLogger(lines, time))
        {
            for (int i = 0; i < LimitedLogger.PerMinute + 1; i++)
                Log.RequestBroke(limited, new InvalidOperationException("x"));
        }

        Assert.StartsWith("1 more lines of event RequestBroke", lines.Lines.Last(), StringComparison.Ordinal);
    }
}
