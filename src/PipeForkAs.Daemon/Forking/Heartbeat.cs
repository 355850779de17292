using PipeForkAs.Daemon.EventLoop;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// Asks a process now and then whether it is still there, and says when it is silent for too long: stopped, or caught in something
/// that never ends. It counts questions without an answer instead of looking at the clock: where the whole machine stood still,
/// the process gets its time to answer.
/// </summary>
internal sealed class Heartbeat(Loop loop, Action ask, Action silent) : IDisposable
{
    private const int MaxUnanswered = 4;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private LoopTimer? next;
    private int unanswered;

    /// <summary>How long a process may be silent.</summary>
    public static TimeSpan Patience => Interval * MaxUnanswered;

    /// <summary>Whether it answered the last question but one, at least.</summary>
    public bool IsResponsive => unanswered <= 1;

    /// <summary>Begins to ask.</summary>
    public void Begin() => next = loop.Schedule(Interval, Beat);

    /// <summary>It said something.</summary>
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
