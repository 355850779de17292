namespace PipeForkAs.LibC.Tests;

/// <summary>Ends the whole run if a blocking libc call never returns; a normal run takes seconds, or minutes on a busy machine.</summary>
public sealed class Deadline : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);

    private readonly Timer timer = new(_ => Environment.FailFast("the tests of LibC hang"), null, Limit, Timeout.InfiniteTimeSpan);

    public void Dispose() => timer.Dispose();
}
