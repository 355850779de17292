namespace PipeForkAs.Daemon.Configuration;

/// <summary>Where the daemon writes records of requests, in addition to the log.</summary>
internal sealed class AuditOptions
{
    /// <summary>
    /// An absolute path; null for no file. The daemon creates the file with mode 0600, owned by root; a mode of up to 0640 is permitted.
    /// </summary>
    public string? File { get; set; }

    /// <summary>
    /// Whether the daemon refuses jobs, with <c>internal</c>, after a record could not be written to the file or has waited for more than 5
    /// s, until all waiting records are written. Otherwise the daemon logs and counts that, and runs jobs.
    /// </summary>
    public bool Required { get; set; }

    /// <summary>
    /// Full records per minute and caller's uid for requests that ran nothing, 1 to 1,000,000; a burst of the same number is permitted. One
    /// record per minute sums up the others. Null for no limit. Jobs that ran always have their records.
    /// </summary>
    public int? RecordsPerMinute { get; set; } = 120;
}
