namespace PipeForkAs.EndToEnd.Harness;

/// <summary>Times after which hanging tests and waits fail. No test asserts shorter times.</summary>
internal static class Bound
{
    /// <summary>One test, in milliseconds.</summary>
    public const int Test = 600_000;

    /// <summary>One condition.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(60);

    /// <summary>Waits until a condition is true.</summary>
    public static async Task UntilAsync(Func<bool> condition, Func<string> otherwise)
    {
        using var deadline = new CancellationTokenSource(Step);
        while (!condition())
        {
            if (deadline.IsCancellationRequested)
                throw new TimeoutException(otherwise());
            await Task.Delay(20);
        }
    }
}
