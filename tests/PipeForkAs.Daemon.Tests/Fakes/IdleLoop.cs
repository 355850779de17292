using PipeForkAs.Daemon.EventLoop;

namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>A loop that nobody runs, for what needs one only where something has to wait.</summary>
internal static class IdleLoop
{
    public static readonly Loop Instance = new(TimeProvider.System, static _ => { });
}
