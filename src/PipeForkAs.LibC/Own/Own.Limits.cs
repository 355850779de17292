using System.Runtime.InteropServices;
using Tmds.Linux;

namespace PipeForkAs.LibC;

internal static unsafe partial class Own
{
    internal const int PRIO_PROCESS = 0;
    internal const int CLOCK_THREAD_CPUTIME_ID = 3, CLOCK_BOOTTIME = 7;

    [StructLayout(LayoutKind.Sequential)]
    internal struct rlimit_t
    {
        public ulong soft;
        public ulong hard;
    }

    [LibraryImport(Library, EntryPoint = "getrlimit", SetLastError = true)]
    internal static partial int getrlimit(int resource, rlimit_t* limit);

    [LibraryImport(Library, EntryPoint = "setrlimit", SetLastError = true)]
    internal static partial int setrlimit(int resource, rlimit_t* limit);

    [LibraryImport(Library, EntryPoint = "setpriority", SetLastError = true)]
    internal static partial int setpriority(int which, uint who, int priority);

    [LibraryImport(Library, EntryPoint = "clock_gettime", SetLastError = true)]
    internal static partial int clock_gettime(int clock, timespec* time);
}
