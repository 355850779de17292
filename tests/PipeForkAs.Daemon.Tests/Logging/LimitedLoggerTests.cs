using PipeForkAs.Daemon.Logging;
using PipeForkAs.Daemon.Tests.Fakes;

namespace PipeForkAs.Daemon.Tests.Logging;

/// <summary>Tests that clients and jobs cannot fill the log.</summary>
public sealed class LimitedLoggerTests
{
    private readonly LogLines lines = new();
    private readonly ManualTime time = new();

    [Fact]
    public void Each_event_has_a_limit_of_lines_per_minute_and_the_rest_is_counted()
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
    public void Lines_suppressed_at_the_end_are_counted_at_the_end()
    {
        using (var limited = new LimitedLogger(lines, time))
        {
            for (int i = 0; i < LimitedLogger.PerMinute + 1; i++)
                Log.RequestBroke(limited, new InvalidOperationException("x"));
        }

        Assert.StartsWith("1 more lines of event RequestBroke", lines.Lines.Last(), StringComparison.Ordinal);
    }
}
