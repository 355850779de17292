namespace PipeForkAs.Jobs.Forking;

/// <summary>The job host cannot serve; the message says why, for the daemon's log.</summary>
internal sealed class HostRefusedException(string message, bool timedOut = false) : Exception(message)
{
    /// <summary>Whether something did not end in time, which may be the machine's fault.</summary>
    public bool TimedOut { get; } = timedOut;
}
