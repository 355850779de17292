namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// Calculates how many workers of a job host should be ready. Adds one for each request that found none. After each period, removes half of
/// the workers that were ready during the whole period and that no request needed.
/// </summary>
/// <param name="least">The minimum.</param>
/// <param name="most">The maximum.</param>
internal sealed class PoolSize(int least, int most)
{
    private readonly int least = least;
    private readonly int most = most;
    private int unneeded;

    /// <summary>The number of workers that should be ready.</summary>
    public int Wanted { get; private set; } = least;

    /// <summary>Whether the number is above the minimum.</summary>
    public bool IsGrown => Wanted > least;

    /// <summary>Notes that a request took a ready worker.</summary>
    /// <param name="left">The number of workers that are still ready.</param>
    public void CountTaken(int left) => unneeded = Math.Min(unneeded, left);

    /// <summary>Notes that a request found no ready worker.</summary>
    public void CountMiss()
    {
        unneeded = 0;
        Wanted = Math.Min(most, Wanted + 1);
    }

    /// <summary>Ends a period and begins the next one.</summary>
    /// <param name="ready">The number of ready workers now.</param>
    public void PeriodEnded(int ready)
    {
        Wanted = Math.Max(least, Wanted - ((unneeded + 1) / 2));
        unneeded = Math.Min(ready, Wanted);
    }
}
