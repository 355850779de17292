namespace PipeForkAs.Daemon.Configuration;

/// <summary>Where records of requests are kept beside the log.</summary>
internal sealed class AuditOptions
{
    /// <summary>An absolute path; null for no file. It is root's alone (0600) where it is made here, and is never more open than 0640.</summary>
    public string? File { get; set; }

    /// <summary>
    /// Whether jobs are refused, with <c>internal</c>, from when a record could not be written to the file, or waits for more than 5 s, until all that wait are written; else that is
    /// logged, and counted, and requests go on.
    /// </summary>
    public bool Required { get; set; }

    /// <summary>
    /// Records of requests that ran nothing that are written in full, of each caller's uid: so many at once, and as many per minute from then on; 1 to 1,000,000. One record per
    /// minute sums up the others. Null for no limit. Jobs that ran have their records always.
    /// </summary>
    public int? RecordsPerMinute { get; set; } = 120;
}
