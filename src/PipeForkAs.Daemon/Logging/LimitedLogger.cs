using Microsoft.Extensions.Logging;

namespace PipeForkAs.Daemon.Logging;

/// <summary>
/// Limits how fast the log grows, because clients and jobs decide how often many of its events happen. Of each event, a burst of
/// <see cref="PerMinute"/> lines is permitted, and the same number per minute; the logger counts the others, and writes the count in one
/// line per minute and event. Methods can be called from any thread.
/// </summary>
/// <param name="inner">Receives the lines.</param>
/// <param name="time">The clock.</param>
internal sealed class LimitedLogger(ILogger inner, TimeProvider time) : ILogger, IDisposable
{
    /// <summary>Lines of one event per minute.</summary>
    public const int PerMinute = 60;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();

    /// <summary>Lines by the ids of events, which are those of <see cref="Logging.Log"/>.</summary>
    private readonly Dictionary<int, Lines> events = [];
    private ITimer? timer;
    private long suppressed;

    /// <summary>The number of omitted lines since the daemon started.</summary>
    public long Suppressed => Interlocked.Read(ref suppressed);

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    /// <inheritdoc/>
    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (inner.IsEnabled(logLevel) && Admits(eventId))
            inner.Log(logLevel, eventId, state, exception, formatter);
    }

    /// <summary>Logs how many lines were omitted since the last call.</summary>
    public void Flush()
    {
        List<(string Name, long Count)> sums = [];
        lock (gate)
        {
            timer?.Dispose();
            timer = null;
            foreach (Lines lines in events.Values.Where(lines => lines.Suppressed > 0))
            {
                sums.Add((lines.Name, lines.Suppressed));
                lines.Suppressed = 0;
            }
        }

        foreach ((string name, long count) in sums)
            Logging.Log.LinesSuppressed(inner, count, name, PerMinute);
    }

    /// <inheritdoc/>
    public void Dispose() => Flush();

    private bool Admits(EventId eventId)
    {
        double now = TokenBucket.Seconds(time);
        lock (gate)
        {
            if (!events.TryGetValue(eventId.Id, out Lines? lines))
                events.Add(eventId.Id, lines = new Lines(eventId.ToString(), new TokenBucket(PerMinute, now)));
            if (lines.Bucket.HasOne(PerMinute, now))
            {
                lines.Bucket.Take();
                return true;
            }

            lines.Suppressed++;
            suppressed++;
            timer ??= time.CreateTimer(static self => ((LimitedLogger)self!).Flush(), this, Minute, Timeout.InfiniteTimeSpan);
            return false;
        }
    }

    private sealed class Lines(string name, TokenBucket bucket)
    {
        public string Name { get; } = name;

        public TokenBucket Bucket { get; } = bucket;

        public long Suppressed { get; set; }
    }
}
