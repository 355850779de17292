using Tmds.Linux;

namespace PipeForkAs.LibC;

public static unsafe partial class Libc
{
    /// <summary>clock_gettime(2) <c>CLOCK_THREAD_CPUTIME_ID</c>: how long the calling thread has run on a processor.</summary>
    public static TimeSpan thread_processor_time()
    {
        timespec time;
        // SAFETY: the kernel writes one timespec, whose layout a test checks against the C compiler.
        Check.Result(Own.clock_gettime(Own.CLOCK_THREAD_CPUTIME_ID, &time), $"clock_gettime(CLOCK_THREAD_CPUTIME_ID)");
        return TimeSpan.FromTicks(((long)time.tv_sec * TimeSpan.TicksPerSecond) + ((long)time.tv_nsec / TimeSpan.NanosecondsPerTick));
    }
}
