namespace PipeForkAs.LibC.Tests;

/// <summary>
/// Ends the whole run where a blocking call of libc never returns; a healthy run takes seconds, or some minutes beside others.
/// </summary>
public sealed class Deadline : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);

    private readonly Timer timer = new(_ => Environment.FailFast("the tests of LibC hang"), null, Limit, Timeout.InfiniteTimeSpan);

    public void Dispose() => timer.Dispose();
}
