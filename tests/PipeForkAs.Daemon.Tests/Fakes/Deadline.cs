using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>
/// Ends the whole run where a call never returns; a healthy run takes a minute, a loaded machine several. And what the daemon does first
/// of all: SIGPIPE is an error of the call.
/// </summary>
public sealed class Deadline : IDisposable
{
    private readonly Timer timer = new(
        _ => Environment.FailFast("the tests of the daemon hang"), null, TimeSpan.FromMinutes(15), Timeout.InfiniteTimeSpan);

    public Deadline() => Libc.signal_ignore(Signal.SIGPIPE);

    public void Dispose() => timer.Dispose();
}
