using Tmds.Linux;

namespace PipeForkAs.LibC;

public static unsafe partial class Libc
{
    /// <summary>pthread_sigmask(3) <c>SIG_SETMASK</c>: sets the calling thread's blocked signals and returns the former set.</summary>
    public static SignalSet sigmask_set(SignalSet blocked)
    {
        SignalSet former;
        // SAFETY: SignalSet has the size of sigset_t (a test checks this against the C compiler).
        Check.ErrorNumber(Own.pthread_sigmask(C.SIG_SETMASK, &blocked, &former), "pthread_sigmask(SIG_SETMASK)");
        return former;
    }

    /// <summary>sigaction(2) with <c>SIG_DFL</c>.</summary>
    public static void signal_default(Signal signal) => SetDisposition(signal, Own.SIG_DFL);

    /// <summary>sigaction(2) with <c>SIG_IGN</c>.</summary>
    public static void signal_ignore(Signal signal) => SetDisposition(signal, Own.SIG_IGN);

    /// <summary>signalfd(2), nonblocking: a read returns the signals in the set, which must be blocked.</summary>
    public static FileDescriptor signalfd(SignalSet signals)
    {
        // SAFETY: SignalSet has the size of sigset_t.
        return new(Check.Result(Own.signalfd(-1, &signals, Own.SFD_CLOEXEC | Own.SFD_NONBLOCK), $"signalfd({signals})"));
    }

    private static void SetDisposition(Signal signal, nint handler)
    {
        var action = new sigaction { sa_handler = (void*)handler };
        // SAFETY: sigaction has libc's size and layout (a test checks this against the C compiler).
        Check.Result(C.sigaction(signal.Number, &action, null), $"sigaction({signal})");
    }
}
