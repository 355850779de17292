namespace PipeForkAs.Daemon.EventLoop;

/// <summary>A turn of the loop that took long.</summary>
/// <param name="Took">How long the turn took.</param>
/// <param name="OnProcessor">For how long of that time the thread ran; for the rest it was blocked, or waited for a processor.</param>
/// <param name="Collections">The number of garbage collections during the turn.</param>
/// <param name="Steps">The number of events, continuations and timers in the turn.</param>
/// <param name="LongestStep">How long the longest step took.</param>
/// <param name="What">The name of the longest step.</param>
/// <param name="Unreported">The number of long turns since the last report that were not reported.</param>
internal readonly record struct LongTurn(
    TimeSpan Took, TimeSpan OnProcessor, int Collections, int Steps, TimeSpan LongestStep, string What, int Unreported)
{
    /// <summary>The shortest turn that is reported.</summary>
    public static readonly TimeSpan Threshold = TimeSpan.FromMilliseconds(50);

    /// <summary>The status names the step of the longest turn if that turn took at least this long.</summary>
    public static readonly TimeSpan Worth = TimeSpan.FromMilliseconds(1);

    /// <summary>Names a step: a watch by its name, a timer or a continuation by the class whose code it runs.</summary>
    public static string Describe(object? what) => what switch
    {
        null => "waking up",
        Watch watch => watch.Name,
        LoopTimer timer => $"timer of {ClassOf(timer.Target)}",
        Delegate continuation => $"continuation of {ClassOf(continuation.Target)}",
        _ => $"continuation of {ClassOf(what)}",
    };

    private static string ClassOf(object? target)
    {
        string name = target switch
        {
            null => "a static method",
            Delegate inner => ClassOf(inner.Target),
            _ => target.GetType().FullName ?? target.GetType().Name,
        };

        // The box of an async method names the method's state machine last: ...Box`1[[RESULT, ...],[CLASS+<METHOD>d__1, ...]].
        int at = name.LastIndexOf("PipeForkAs.", StringComparison.Ordinal);
        name = at > 0 ? name[at..] : name;
        int end = name.IndexOf(',', StringComparison.Ordinal);
        return end < 0 ? name : name[..end];
    }
}
