namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>A clock that only a test advances. A waiting loop reads it when something is posted.</summary>
internal sealed class ManualTime : TimeProvider
{
    private long now = 1_000_000;

    public override long TimestampFrequency => 1000;

    public override long GetTimestamp() => Interlocked.Read(ref now);

    public void Advance(TimeSpan time) => Interlocked.Add(ref now, (long)time.TotalMilliseconds);
}
