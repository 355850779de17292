using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Processes;

/// <summary>Describes how a process ended.</summary>
internal static class WaitStatusText
{
    public static string Of(WaitStatus status) => status switch
    {
        WaitStatus.Exited exited => $"exit code {exited.Code}",
        WaitStatus.Signaled signaled => $"killed by {signaled.Signal}",
        _ => status.ToString(),
    };
}
