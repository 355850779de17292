using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

public static unsafe partial class Libc
{
    /// <summary>clock_gettime(2) <c>CLOCK_THREAD_CPUTIME_ID</c>: how long the calling thread has run on a processor.</summary>
    public static TimeSpan thread_processor_time()
    {
        timespec time;
        // SAFETY: the kernel writes one timespec, whose layout a test checks against the C compiler.
        Check.Result(sys_clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time), $"clock_gettime(CLOCK_THREAD_CPUTIME_ID)");
        return TimeSpan.FromTicks((time.seconds * TimeSpan.TicksPerSecond) + (time.nanoseconds / TimeSpan.NanosecondsPerTick));
    }

    internal const int CLOCK_THREAD_CPUTIME_ID = 3;

    [StructLayout(LayoutKind.Sequential)]
    internal struct timespec
    {
        public long seconds;
        public long nanoseconds;
    }

    [LibraryImport(Library, EntryPoint = "clock_gettime", SetLastError = true)]
    private static partial int sys_clock_gettime(int clock, timespec* time);
}
