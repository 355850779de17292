namespace PipeForkAs.Daemon.Isolation;

/// <summary>A job whose processes the daemon is ending, and the results of the last scan.</summary>
/// <param name="job">The processes of the job.</param>
internal sealed class EndingJob(JobProcesses job)
{
    public JobProcesses Job => job;

    /// <summary>Whether the scan found no process.</summary>
    public bool IsOver { get; set; }

    /// <summary>
    /// Whether the scan found processes that the previous one did not, or might have missed some: the next scan is due soon.
    /// </summary>
    public bool FoundOthers { get; set; }

    /// <summary>Whether the end takes so long that the log lists the remaining processes.</summary>
    public bool IsLate { get; set; }

    /// <summary>The first remaining processes, if the job is late.</summary>
    public string Living { get; set; } = "";

    /// <summary>Why the scan failed; null if it did not.</summary>
    public string? Failure { get; set; }

    /// <summary>The number of requests to end the job: a scan completes only the requests from before it.</summary>
    public int Asked { get; set; }

    /// <summary>When the job was first killed or requested to end; a timestamp.</summary>
    public required long Begun { get; init; }

    /// <summary>When the next scan is due; a timestamp.</summary>
    public long Due { get; set; }

    /// <summary>How long the next scan waits.</summary>
    public TimeSpan Pause { get; set; }

    /// <summary>Whether the log says that the job cannot be killed.</summary>
    public bool IsLogged { get; set; }

    /// <summary>The failure that was last logged.</summary>
    public string? LoggedFailure { get; set; }
}
