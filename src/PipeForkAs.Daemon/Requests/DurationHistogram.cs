using PipeForkAs.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Counts durations by their length.</summary>
internal sealed class DurationHistogram
{
    /// <summary>Upper bounds in seconds: from a short function to a job that runs for minutes.</summary>
    private static readonly double[] Bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

    /// <summary>The number of durations up to each bound and longer than the bound before; last, those beyond all bounds.</summary>
    private readonly long[] counts = new long[Bounds.Length + 1];

    private double total;

    /// <summary>Counts a duration.</summary>
    /// <param name="seconds">The duration in seconds.</param>
    public void Add(double seconds)
    {
        int at = Array.BinarySearch(Bounds, seconds);
        counts[at < 0 ? ~at : at]++;
        total += seconds;
    }

    /// <summary>Returns what was counted, in the form of the protocol.</summary>
    public DurationStatus ToStatus()
    {
        long jobs = 0;
        var buckets = new DurationBucket[Bounds.Length];
        for (int i = 0; i < Bounds.Length; i++)
            buckets[i] = new DurationBucket(TimeSpan.FromSeconds(Bounds[i]), jobs += counts[i]);
        return new DurationStatus
        {
            Jobs = jobs + counts[^1],
            Total = TimeSpan.FromSeconds(Math.Round(total, 6)),
            Histogram = buckets,
        };
    }
}
