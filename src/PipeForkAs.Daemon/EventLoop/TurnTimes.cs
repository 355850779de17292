namespace PipeForkAs.Daemon.EventLoop;

/// <summary>The durations of the turns of the loop since the daemon started.</summary>
/// <param name="Counts">
/// The number of turns up to each of <see cref="Bounds"/> and longer than the bound before; last, the number of turns beyond all bounds.
/// </param>
/// <param name="Seconds">The time of all turns together.</param>
/// <param name="Longest">The longest turn, in seconds.</param>
/// <param name="LongestOnProcessor">
/// For how many seconds of the longest turn the thread ran; for the rest it was blocked, or waited for a processor.
/// </param>
/// <param name="LongestStep">The step that took most of the longest turn; null if the turn was too short to matter.</param>
internal sealed record TurnTimes(IReadOnlyList<long> Counts, double Seconds, double Longest, double LongestOnProcessor, string? LongestStep)
{
    /// <summary>Upper bounds in seconds.</summary>
    public static IReadOnlyList<double> Bounds { get; } = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5];
}
