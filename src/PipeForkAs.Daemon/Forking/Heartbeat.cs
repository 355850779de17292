using PipeForkAs.Daemon.EventLoop;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// Sends a process a question at intervals, and reports when the process is silent for too long because it is stopped or blocked. Counts
/// unanswered questions and does not measure time: if the whole machine was suspended, the process still gets its time to answer.
/// </summary>
internal sealed class Heartbeat(Loop loop, Action ask, Action silent) : IDisposable
{
    private const int MaxUnanswered = 4;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private LoopTimer? next;
    private int unanswered;

    /// <summary>The longest time that a process may be silent.</summary>
    public static TimeSpan Patience => Interval * MaxUnanswered;

    /// <summary>Whether the process answered at least the last question but one.</summary>
    public bool IsResponsive => unanswered <= 1;

    public void Begin() => next = loop.Schedule(Interval, Beat);

    /// <summary>Notes that the process sent something.</summary>
    public void Answered() => unanswered = 0;

    /// <inheritdoc/>
    public void Dispose() => next?.Dispose();

    private void Beat()
    {
        if (unanswered++ == MaxUnanswered)
        {
            silent();
            return;
        }

        ask();
        next = loop.Schedule(Interval, Beat);
    }
}
