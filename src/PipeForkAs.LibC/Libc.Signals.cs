using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

public static unsafe partial class Libc
{
    /// <summary>pthread_sigmask(3) <c>SIG_SETMASK</c>: sets the calling thread's blocked signals and returns the former ones.</summary>
    public static SignalSet sigmask_set(SignalSet blocked)
    {
        SignalSet former;
        // SAFETY: SignalSet has the size of sigset_t (checked by a test against the C compiler).
        Check.ErrorNumber(sys_pthread_sigmask(SIG_SETMASK, &blocked, &former), "pthread_sigmask(SIG_SETMASK)");
        return former;
    }

    /// <summary>sigaction(2) with <c>SIG_DFL</c>.</summary>
    public static void signal_default(Signal signal) => SetDisposition(signal, SIG_DFL);

    /// <summary>sigaction(2) with <c>SIG_IGN</c>.</summary>
    public static void signal_ignore(Signal signal) => SetDisposition(signal, SIG_IGN);

    /// <summary>signalfd(2), not blocking: reads tell of the signals in the set, which must be blocked.</summary>
    public static FileDescriptor signalfd(SignalSet signals)
    {
        // SAFETY: SignalSet has the size of sigset_t.
        return new(Check.Result(sys_signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK), $"signalfd({signals})"));
    }

    private static void SetDisposition(Signal signal, nint handler)
    {
        var action = new sigaction_t { handler = handler };
        // SAFETY: sigaction_t has libc's size and layout (checked by a test against the C compiler).
        Check.Result(sys_sigaction(signal.Number, &action, null), $"sigaction({signal})");
    }

    internal const int SIG_SETMASK = 2;
    internal const nint SIG_DFL = 0;
    internal const nint SIG_IGN = 1;
    internal const int SFD_CLOEXEC = 0x80000;
    internal const int SFD_NONBLOCK = 0x800;

    [StructLayout(LayoutKind.Sequential)]
    internal struct sigaction_t
    {
        public nint handler;
        public SignalSet mask;
        public int flags;
        public nint restorer;
    }

    [LibraryImport(Library, EntryPoint = "pthread_sigmask")]
    private static partial int sys_pthread_sigmask(int how, SignalSet* set, SignalSet* former);

    [LibraryImport(Library, EntryPoint = "sigaction", SetLastError = true)]
    private static partial int sys_sigaction(int signal, sigaction_t* action, sigaction_t* former);

    [LibraryImport(Library, EntryPoint = "signalfd", SetLastError = true)]
    private static partial int sys_signalfd(int descriptor, SignalSet* signals, int flags);
}
