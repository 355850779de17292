namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>
/// A clock that only a test advances. A waiting loop reads it when something is posted. The time of day is real, but a test can set it.
/// </summary>
internal sealed class ManualTime : TimeProvider
{
    private long now = 1_000_000;
    private TimeSpan ahead;

    public override long TimestampFrequency => 1000;

    public override long GetTimestamp() => Interlocked.Read(ref now);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + ahead;

    /// <summary>Advances the time of day alone: as while a machine is suspended, or by an administrator.</summary>
    public void SetTimeOfDay(TimeSpan change) => ahead += change;

    public void Advance(TimeSpan time) => Interlocked.Add(ref now, (long)time.TotalMilliseconds);
}
