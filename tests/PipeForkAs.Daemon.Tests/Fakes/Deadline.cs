using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>
/// Ends the whole run if a call never returns; a normal run takes a minute, on a loaded machine several. Also ignores SIGPIPE as the daemon
/// does.
/// </summary>
public sealed class Deadline : IDisposable
{
    private readonly Timer timer = new(
        _ => Environment.FailFast("the tests of the daemon hang"), null, TimeSpan.FromMinutes(15), Timeout.InfiniteTimeSpan);

    public Deadline() => Libc.signal_ignore(Signal.SIGPIPE);

    public void Dispose() => timer.Dispose();
}
