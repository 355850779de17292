namespace PipeForkAs.Client.Exchanges;

/// <summary>Checks the values of an end record, which its types alone do not limit.</summary>
internal static class EndCheck
{
    /// <summary>Returns what is wrong, for people; null if nothing is.</summary>
    public static string? Problem(JobResult end) => end switch
    {
        { ExitCode: < 0 or > 255 } => $"the end record's exit code is {end.ExitCode}; it must be 0 to 255",
        { Signal: < 1 or > 64 } => $"the end record's signal is {end.Signal}; it must be 1 to 64",
        { Pid: < 1 } => $"the end record's process id is {end.Pid}; it must be at least 1",
        { StdoutBytes: < 0 } or { StderrBytes: < 0 } or { MaxResidentBytes: < 0 } => "the end record has a negative number of bytes",
        { Duration.Ticks: < 0 } or { ProcessorTime.Ticks: < 0 } => "the end record has a negative time",
        _ when IsContradiction(end) => $"the end record's exit code or signal does not fit its code {end.Code.ToWire()}",
        _ => null,
    };

    /// <summary>Whether a program could take a failure for a success, or has no reason of a failure. A refused operation other than a job
    /// has no exit code.
    /// </summary>
    private static bool IsContradiction(JobResult end) => end.Code switch
    {
        ReplyCode.Ok => end.ExitCode is not (null or 0) || end.Signal is not null,
        ReplyCode.Failed => end.ExitCode == 0 || end.Signal is not null,
        ReplyCode.Signaled => end.ExitCode is not null || end.Signal is null,
        _ => false,
    };
}
