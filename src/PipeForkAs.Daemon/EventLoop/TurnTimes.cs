namespace PipeForkAs.Daemon.EventLoop;

/// <summary>How long the turns of the loop took since the daemon started.</summary>
/// <param name="Counts">
/// Turns that took at most each of <see cref="Bounds"/> and longer than the one before; last, those beyond all of them.
/// </param>
/// <param name="Seconds">The time of all turns together.</param>
/// <param name="Longest">The longest, in seconds.</param>
/// <param name="LongestOnProcessor">
/// For how many seconds of the longest one the thread ran; in the rest it was blocked, or waited for a processor.
/// </param>
/// <param name="LongestStep">What took most of the longest one; null where it was too short to matter.</param>
internal sealed record TurnTimes(IReadOnlyList<long> Counts, double Seconds, double Longest, double LongestOnProcessor, string? LongestStep)
{
    /// <summary>Upper bounds in seconds.</summary>
    public static IReadOnlyList<double> Bounds { get; } = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5];
}
