namespace PipeForkAs.Daemon.Configuration;

/// <summary>Where records of requests are kept beside the log.</summary>
internal sealed class AuditOptions
{
    /// <summary>An absolute path; null for no file. It is root's alone (0600) where it is made here, and is never more open than 0640.</summary>
    public string? File { get; set; }

    /// <summary>Whether jobs are refused, with <c>internal</c>, from a record that could not be written to the file until one can be; else that is logged, and counted, and requests go on.</summary>
    public bool Required { get; set; }
}
