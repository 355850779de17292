namespace PipeForkAs.Daemon.Logging;

/// <summary>Permits a burst of a number of events, and the same number per minute.</summary>
/// <param name="perMinute">The number of events; at least 1.</param>
/// <param name="now">The time, in seconds.</param>
internal sealed class TokenBucket(double perMinute, double now)
{
    private double left = perMinute;
    private double filled = now;

    /// <summary>Returns the current time in seconds, on the clock of the bucket.</summary>
    public static double Seconds(TimeProvider time) => time.GetElapsedTime(0).TotalSeconds;

    /// <summary>Whether one more event is permitted now; <see cref="Take"/> counts it.</summary>
    /// <param name="perMinute">The rate, which a reload can have changed.</param>
    /// <param name="now">The time, in seconds.</param>
    public bool HasOne(double perMinute, double now) => Fill(perMinute, now) >= 1;

    /// <summary>Whether the bucket is as full as a new one.</summary>
    public bool IsFull(double perMinute, double now) => Fill(perMinute, now) >= perMinute;

    /// <summary>Counts one permitted event.</summary>
    public void Take() => left--;

    private double Fill(double perMinute, double now)
    {
        left = Math.Min(perMinute, left + ((now - filled) * perMinute / 60));
        filled = now;
        return left;
    }
}
