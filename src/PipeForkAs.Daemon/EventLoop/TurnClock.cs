namespace PipeForkAs.Daemon.EventLoop;

/// <summary>
/// Measures the turns of the loop: the time from one wait for events to the next, in which the loop serves nothing else. For use on the
/// loop.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="processorTime">Returns how long the loop's thread has run on a processor.</param>
/// <param name="onLongTurn">Receives a turn of <see cref="LongTurn.Threshold"/> or more, at most once in <see cref="ReportPause"/>.</param>
internal sealed class TurnClock(TimeProvider time, Func<TimeSpan> processorTime, Action<LongTurn> onLongTurn)
{
    /// <summary>The shortest time between two reports.</summary>
    internal static readonly TimeSpan ReportPause = TimeSpan.FromSeconds(1);

    private readonly long[] counts = new long[TurnTimes.Bounds.Count + 1];
    private long begun, lastStep, longestStep, lastReport;
    private TimeSpan processorAtBegin;
    private object? longestWhat;
    private int steps, collectionsAtBegin, unreported;
    private bool hasReported;
    private double seconds, longest, longestOnProcessor;
    private string? longestName;

    /// <summary>The turns so far.</summary>
    public TurnTimes Times => new([.. counts], seconds, longest, longestOnProcessor, longestName);

    /// <summary>From the start of this turn to the end of its last step.</summary>
    public TimeSpan Elapsed => time.GetElapsedTime(begun, lastStep);

    /// <summary>How long the thread has run on a processor since this turn began.</summary>
    public TimeSpan OnProcessor => processorTime() - processorAtBegin;

    /// <summary>Starts a turn, when events have arrived.</summary>
    public void Begin()
    {
        begun = lastStep = time.GetTimestamp();
        processorAtBegin = processorTime();
        collectionsAtBegin = GC.CollectionCount(0);
        longestStep = 0;
        longestWhat = null;
        steps = 0;
    }

    /// <summary>Notes the end of one step of the turn.</summary>
    /// <param name="what">The watch, timer or continuation that ran.</param>
    public void StepEnded(object? what)
    {
        long now = time.GetTimestamp();
        steps++;
        if (now - lastStep > longestStep)
        {
            longestStep = now - lastStep;
            longestWhat = what;
        }

        lastStep = now;
    }

    /// <summary>Ends a turn, before the loop waits for events again.</summary>
    public void End()
    {
        long now = time.GetTimestamp();
        TimeSpan took = time.GetElapsedTime(begun, now);
        int bucket = 0;
        while (bucket < TurnTimes.Bounds.Count && took.TotalSeconds > TurnTimes.Bounds[bucket])
            bucket++;
        counts[bucket]++;
        seconds += took.TotalSeconds;
        if (took.TotalSeconds > longest)
        {
            longest = took.TotalSeconds;
            longestOnProcessor = OnProcessor.TotalSeconds;
            longestName = took >= LongTurn.Worth ? LongTurn.Describe(longestWhat) : null;
        }

        if (took >= LongTurn.Threshold)
            Report(now, took);
    }

    private void Report(long now, TimeSpan took)
    {
        if (hasReported && time.GetElapsedTime(lastReport, now) < ReportPause)
        {
            unreported++;
            return;
        }

        hasReported = true;
        lastReport = now;
        onLongTurn(new LongTurn(
            took, OnProcessor, GC.CollectionCount(0) - collectionsAtBegin, steps,
            time.GetElapsedTime(0, longestStep), LongTurn.Describe(longestWhat), unreported));
        unreported = 0;
    }
}
