namespace PipeForkAs.LibC;

/// <summary>Resources of getrlimit(2).</summary>
public enum ResourceLimit
{
    /// <summary>Processor time in seconds.</summary>
    RLIMIT_CPU = 0,

    /// <summary>The largest file that the process may write, in bytes.</summary>
    RLIMIT_FSIZE = 1,

    /// <summary>Private writable memory of a process, in bytes.</summary>
    RLIMIT_DATA = 2,

    /// <summary>The largest core file in bytes.</summary>
    RLIMIT_CORE = 4,

    /// <summary>Processes of the user.</summary>
    RLIMIT_NPROC = 6,

    /// <summary>One more than the highest descriptor.</summary>
    RLIMIT_NOFILE = 7,
}

public static unsafe partial class Libc
{
    /// <summary>No limit.</summary>
    public const ulong RLIM_INFINITY = ulong.MaxValue;

    /// <summary>getrlimit(2).</summary>
    public static (ulong Soft, ulong Hard) getrlimit(ResourceLimit resource)
    {
        Own.rlimit_t limit;
        // SAFETY: rlimit is two 64-bit numbers.
        Check.Result(Own.getrlimit((int)resource, &limit), $"getrlimit({resource})");
        return (limit.soft, limit.hard);
    }

    /// <summary>setrlimit(2).</summary>
    public static void setrlimit(ResourceLimit resource, ulong soft, ulong hard)
    {
        var limit = new Own.rlimit_t { soft = soft, hard = hard };
        // SAFETY: rlimit is two 64-bit numbers.
        Check.Result(Own.setrlimit((int)resource, &limit), $"setrlimit({resource}, {soft}, {hard})");
    }

    /// <summary>setpriority(2) of the calling process.</summary>
    /// <param name="nice">-20 (most favourable) to 19.</param>
    public static void setpriority(int nice) =>
        Check.Result(Own.setpriority(Own.PRIO_PROCESS, 0, nice), $"setpriority(PRIO_PROCESS, 0, {nice})");
}
