using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Replies;

/// <summary>The exit statuses of the command; env(1), timeout(1) and the shells use the same numbers.</summary>
internal static class ExitStatus
{
    public const int Success = 0;

    /// <summary>The function threw an exception; a program with an unhandled exception has the same status.</summary>
    public const int Error = 1;

    public const int Timeout = 124;

    /// <summary>The daemon, the connection, the request or a program that cannot be executed caused the failure: the job did not run, or
    /// its end is unknown.
    /// </summary>
    public const int Trouble = 125;

    public const int Denied = 126;

    public const int UnknownJob = 127;

    /// <summary>The base to which the number of a signal is added.</summary>
    public const int Signal = 128;

    /// <summary>The status for SIGINT.</summary>
    public const int Cancelled = Signal + 2;

    /// <summary>The status for SIGPIPE.</summary>
    public const int BrokenPipe = Signal + 13;

    /// <summary>Returns the status for the end of a job.</summary>
    public static int Of(JobResult end) => end.Code switch
    {
        ReplyCode.Ok => end.ExitCode ?? Success,
        ReplyCode.Failed => end.ExitCode ?? Trouble,
        ReplyCode.Signaled => end.Signal is { } number ? Signal + number : Trouble,
        ReplyCode.Error => end.Error is { IsOfExecution: true } ? Trouble : Error,
        ReplyCode.Timeout => Timeout,
        ReplyCode.Cancelled => Cancelled,
        ReplyCode.Denied => Denied,
        ReplyCode.UnknownJob => UnknownJob,
        _ => Trouble,
    };
}
