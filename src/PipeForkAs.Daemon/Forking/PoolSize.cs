namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// How many workers of a job host shall lie ready: one more for each request that found none, and half as many less of those that lay
/// ready for all of a period and were not needed.
/// </summary>
/// <param name="least">Never fewer.</param>
/// <param name="most">Never more.</param>
internal sealed class PoolSize(int least, int most)
{
    private readonly int least = least;
    private readonly int most = most;
    private int unneeded;

    /// <summary>So many.</summary>
    public int Wanted { get; private set; } = least;

    /// <summary>Whether they are more than the least.</summary>
    public bool IsGrown => Wanted > least;

    /// <summary>A request took one.</summary>
    /// <param name="left">How many that left.</param>
    public void CountTaken(int left) => unneeded = Math.Min(unneeded, left);

    /// <summary>A request found none.</summary>
    public void CountMiss()
    {
        unneeded = 0;
        Wanted = Math.Min(most, Wanted + 1);
    }

    /// <summary>A period is over, and the next one begins.</summary>
    /// <param name="ready">How many lie ready now.</param>
    public void PeriodEnded(int ready)
    {
        Wanted = Math.Max(least, Wanted - ((unneeded + 1) / 2));
        unneeded = Math.Min(ready, Wanted);
    }
}
