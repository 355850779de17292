using System.Runtime.InteropServices;

namespace PipeForkAs.LibC.Tests;

public sealed partial class SignalTests
{
    private static readonly Signal User = new(10);

    [Fact]
    public void A_blocked_signal_is_read_from_a_signalfd()
    {
        SignalSet former = Libc.sigmask_set(SignalSet.Of(User));
        try
        {
            using FileDescriptor signals = Libc.signalfd(SignalSet.Of(User));
            Assert.True(OpenDescriptors.IsCloseOnExec(signals.Number));
            var record = new byte[128];
            Assert.True(Libc.read(signals, record).WouldBlock);

            // Only to this thread: other threads of the runtime do not block it, so it would terminate the process.
            Assert.Equal(0, pthread_kill(pthread_self(), User.Number));

            Assert.Equal(128, Libc.read(signals, record).OrThrow("read(signalfd)"));
            Assert.Equal(User.Number, BitConverter.ToInt32(record));
            Assert.True(Libc.read(signals, record).WouldBlock);
        }
        finally
        {
            Assert.Equal(SignalSet.Of(User), Libc.sigmask_set(former));
        }
    }

    [Fact]
    public void A_signal_set_contains_the_added_signals()
    {
        var set = SignalSet.Of(Signal.SIGHUP, Signal.SIGTERM, new Signal(Signal.Max));
        Assert.True(set.Contains(Signal.SIGHUP) && set.Contains(Signal.SIGTERM) && set.Contains(new Signal(Signal.Max)));
        Assert.False(set.Contains(Signal.SIGINT));
        Assert.Equal(set, SignalSet.Of(new Signal(64), new Signal(15), new Signal(1)));
        Assert.NotEqual(set, SignalSet.Empty);
        Assert.Equal(
            Enumerable.Range(1, Signal.Max).Except([32, 33]),
            Enumerable.Range(1, Signal.Max).Where(number => SignalSet.Full.Contains(new Signal(number))));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(65)]
    public void An_invalid_signal_number_is_refused(int number)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => SignalSet.Of(new Signal(number)));
        Assert.Throws<ArgumentOutOfRangeException>(() => SignalSet.Full.Contains(new Signal(number)));
    }

    [Fact]
    public void An_ignored_signal_shows_in_proc_and_the_default_takes_it_back()
    {
        Libc.signal_ignore(User);
        try
        {
            Assert.True(ProcessStatus.SignalSet("SigIgn").Contains(User));
        }
        finally
        {
            Libc.signal_default(User);
        }

        Assert.False(ProcessStatus.SignalSet("SigIgn").Contains(User));
    }

    [Fact]
    public void The_disposition_of_SIGKILL_cannot_be_changed() =>
        Assert.Equal(Errno.EINVAL, Assert.Throws<SystemCallException>(() => Libc.signal_ignore(Signal.SIGKILL)).Errno);

    [LibraryImport("libc")]
    private static partial nint pthread_self();

    [LibraryImport("libc")]
    private static partial int pthread_kill(nint thread, int signal);
}
