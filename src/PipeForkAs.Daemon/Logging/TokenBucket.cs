namespace PipeForkAs.Daemon.Logging;

/// <summary>Lets a number of events through at once, and the same number per minute from then on.</summary>
/// <param name="perMinute">How many; at least 1.</param>
/// <param name="now">The time, in seconds.</param>
internal sealed class TokenBucket(double perMinute, double now)
{
    private double left = perMinute;
    private double filled = now;

    /// <summary>The current time in seconds, as a bucket counts it.</summary>
    public static double Seconds(TimeProvider time) => time.GetElapsedTime(0).TotalSeconds;

    /// <summary>Whether one more event may pass now; <see cref="Take"/> counts it.</summary>
    /// <param name="perMinute">The rate, which a reload may have changed.</param>
    /// <param name="now">The time, in seconds.</param>
    public bool HasOne(double perMinute, double now) => Fill(perMinute, now) >= 1;

    /// <summary>Whether the bucket is as full as a new one.</summary>
    public bool IsFull(double perMinute, double now) => Fill(perMinute, now) >= perMinute;

    /// <summary>Counts one event that passes.</summary>
    public void Take() => left--;

    private double Fill(double perMinute, double now)
    {
        left = Math.Min(perMinute, left + ((now - filled) * perMinute / 60));
        filled = now;
        return left;
    }
}
