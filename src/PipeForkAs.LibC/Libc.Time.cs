using Tmds.Linux;

namespace PipeForkAs.LibC;

public static unsafe partial class Libc
{
    /// <summary>clock_gettime(2) <c>CLOCK_THREAD_CPUTIME_ID</c>: how long the calling thread has run on a processor.</summary>
    public static TimeSpan thread_processor_time() => Read(Own.CLOCK_THREAD_CPUTIME_ID);

    /// <summary>clock_gettime(2) <c>CLOCK_BOOTTIME</c>: the time since the system was started, also while it was suspended. Nobody can set
    /// this clock.
    /// </summary>
    public static TimeSpan time_since_boot() => Read(Own.CLOCK_BOOTTIME);

    private static TimeSpan Read(int clock)
    {
        timespec time;
        // SAFETY: the kernel writes one timespec, whose layout a test checks against the C compiler.
        Check.Result(Own.clock_gettime(clock, &time), $"clock_gettime({clock})");
        return TimeSpan.FromTicks(((long)time.tv_sec * TimeSpan.TicksPerSecond) + ((long)time.tv_nsec / TimeSpan.NanosecondsPerTick));
    }
}
