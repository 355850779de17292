namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>A time that goes on only when a test says so. A loop that waits looks at it when something is posted.</summary>
internal sealed class ManualTime : TimeProvider
{
    private long now = 1_000_000;

    public override long TimestampFrequency => 1000;

    public override long GetTimestamp() => Interlocked.Read(ref now);

    public void Advance(TimeSpan time) => Interlocked.Add(ref now, (long)time.TotalMilliseconds);
}
