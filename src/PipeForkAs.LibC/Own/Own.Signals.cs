using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

internal static unsafe partial class Own
{
    internal const nint SIG_DFL = 0;
    internal const nint SIG_IGN = 1;
    internal const int SFD_CLOEXEC = 0x80000;
    internal const int SFD_NONBLOCK = 0x800;

    // The package's function is bound to libpthread.so.0, which the first call would load, before the fork; and its sigset_t does not show
    // signals.
    [LibraryImport(Library, EntryPoint = "pthread_sigmask")]
    internal static partial int pthread_sigmask(int how, SignalSet* set, SignalSet* former);

    [LibraryImport(Library, EntryPoint = "signalfd", SetLastError = true)]
    internal static partial int signalfd(int descriptor, SignalSet* signals, int flags);
}
