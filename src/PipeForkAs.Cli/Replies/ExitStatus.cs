using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Replies;

/// <summary>The exit statuses of the command, as env(1), timeout(1) and the shells use these numbers.</summary>
internal static class ExitStatus
{
    public const int Success = 0;

    /// <summary>The function threw, as an unhandled exception of a program's own.</summary>
    public const int Error = 1;

    public const int Timeout = 124;

    /// <summary>
    /// The daemon, the connection, the request or a program that cannot be executed is at fault: the job was not run, or how it ended is
    /// not known.
    /// </summary>
    public const int Trouble = 125;

    public const int Denied = 126;

    public const int UnknownJob = 127;

    /// <summary>A signal adds its number.</summary>
    public const int Signal = 128;

    /// <summary>As of SIGINT.</summary>
    public const int Cancelled = Signal + 2;

    /// <summary>As of SIGPIPE.</summary>
    public const int BrokenPipe = Signal + 13;

    /// <summary>As of SIGTERM.</summary>
    public const int Terminated = Signal + 15;

    /// <summary>The status that passes a job's end on.</summary>
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
