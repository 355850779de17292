namespace PipeForkAs.LibC.Tests;

/// <summary>Ends the whole run where a blocking call of libc never returns; a healthy run takes seconds.</summary>
public sealed class Deadline : IDisposable
{
    private readonly Timer timer = new(_ => Environment.FailFast("the tests of LibC hang"), null, TimeSpan.FromMinutes(3), Timeout.InfiniteTimeSpan);

    public void Dispose() => timer.Dispose();
}
