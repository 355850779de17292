namespace PipeForkAs.Daemon.Isolation;

/// <summary>A job whose processes are being ended, and what the last look found.</summary>
/// <param name="job">Its processes.</param>
internal sealed class EndingJob(JobProcesses job)
{
    /// <summary>Its processes.</summary>
    public JobProcesses Job => job;

    /// <summary>Whether the look found that nothing is left.</summary>
    public bool IsOver { get; set; }

    /// <summary>Whether the look found processes that the one before did not, or may have missed some: the next one is due soon.</summary>
    public bool FoundOthers { get; set; }

    /// <summary>Whether it takes so long that the log says what is left.</summary>
    public bool IsLate { get; set; }

    /// <summary>The first processes that are left, where it is late.</summary>
    public string Living { get; set; } = "";

    /// <summary>Why the look failed; null if it did not.</summary>
    public string? Failure { get; set; }

    /// <summary>How often it was asked to end: a look answers only what was asked before it.</summary>
    public int Asked { get; set; }

    /// <summary>When it was first killed or asked to end; a timestamp.</summary>
    public required long Begun { get; init; }

    /// <summary>When the next look is due; a timestamp.</summary>
    public long Due { get; set; }

    /// <summary>How long the next look waits.</summary>
    public TimeSpan Pause { get; set; }

    /// <summary>Whether the log says that it cannot be killed.</summary>
    public bool IsLogged { get; set; }

    /// <summary>The failure that was logged last.</summary>
    public string? LoggedFailure { get; set; }
}
