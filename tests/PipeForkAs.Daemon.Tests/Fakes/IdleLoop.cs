using PipeForkAs.Daemon.EventLoop;

namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>A loop that never runs, for code that needs one only if it has to wait.</summary>
internal static class IdleLoop
{
    public static readonly Loop Instance = new(TimeProvider.System, static _ => { });
}
