namespace PipeForkAs.Daemon.Configuration;

/// <summary>Where records of requests are kept beside the log.</summary>
internal sealed class AuditOptions
{
    /// <summary>
    /// An absolute path; null for no file. It is root's alone (0600) where it is made here, and is never more open than 0640.
    /// </summary>
    public string? File { get; set; }

    /// <summary>
    /// Whether jobs are refused, with <c>internal</c>, when a record could not be written to the file or waits for more than 5 s, until all
    /// that wait are written. Otherwise that is logged and counted, and requests go on.
    /// </summary>
    public bool Required { get; set; }

    /// <summary>
    /// Full records per minute and caller's uid for requests that ran nothing, 1 to 1,000,000; the same number passes at once. One record
    /// per minute sums up the others. Null for no limit. Jobs that ran always have their records.
    /// </summary>
    public int? RecordsPerMinute { get; set; } = 120;
}
