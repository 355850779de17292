namespace PipeForkAs.Protocol.Worker;

/// <summary>What a worker sets for itself before it becomes the user, as it could not after.</summary>
public sealed record WorkerLimits
{
    private const long NoLimit = -1;

    /// <summary>One more than the highest descriptor, RLIMIT_NOFILE; 16 or more.</summary>
    public long OpenFiles { get; init; } = 1024;

    /// <summary>Seconds of processor time, RLIMIT_CPU; null for no limit of the worker's own.</summary>
    public long? CpuSeconds { get; init; }

    /// <summary>The largest file in bytes that it may write, RLIMIT_FSIZE; null for no limit of the worker's own.</summary>
    public long? FileSize { get; init; }

    /// <summary>The largest core file in bytes, RLIMIT_CORE; 0 for none, null for no limit of the worker's own.</summary>
    public long? CoreSize { get; init; } = 0;

    /// <summary>
    /// Bytes of private writable memory, RLIMIT_DATA, where no control group limits the job's memory; null for no limit of the worker's
    /// own.
    /// </summary>
    public long? DataBytes { get; init; }

    /// <summary>
    /// Processes and threads of the user, RLIMIT_NPROC, where no control group counts the job's; null for no limit of the worker's own.
    /// </summary>
    public long? Processes { get; init; }

    /// <summary>Its umask, 0 to 0777.</summary>
    public uint Umask { get; init; } = 0x3F; // 0077

    /// <summary>Its nice value, -20 to 19.</summary>
    public int Nice { get; init; }

    /// <summary>What the kernel adds to its badness when memory runs out, -1000 to 1000; proc(5).</summary>
    public int OomScoreAdjust { get; init; }

    /// <summary>Appends it to a message.</summary>
    public void Encode(MessageWriter writer) => writer
        .Int64(OpenFiles).Int64(CpuSeconds ?? NoLimit).Int64(FileSize ?? NoLimit)
        .Int64(DataBytes ?? NoLimit).Int64(Processes ?? NoLimit).UInt32(Umask).Int32(Nice).Int32(OomScoreAdjust)
        .Int64(CoreSize ?? NoLimit);

    /// <summary>Reads it from a message.</summary>
    public static WorkerLimits Decode(ref MessageReader reader) => new()
    {
        OpenFiles = reader.Int64(),
        CpuSeconds = Limit(reader.Int64()),
        FileSize = Limit(reader.Int64()),
        DataBytes = Limit(reader.Int64()),
        Processes = Limit(reader.Int64()),
        Umask = reader.UInt32(),
        Nice = reader.Int32(),
        OomScoreAdjust = reader.Int32(),
        CoreSize = Limit(reader.Int64()),
    };

    private static long? Limit(long value) => value switch
    {
        NoLimit => null,
        >= 0 => value,
        _ => throw new FormatException($"a limit is {value}"),
    };
}
