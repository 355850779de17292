namespace PipeForkAs.Protocol.Worker;

/// <summary>The limits that a worker sets for itself before it becomes the user; it could not set them after.</summary>
public sealed record WorkerLimits
{
    private const long NoLimit = -1;

    /// <summary>One more than the highest descriptor, RLIMIT_NOFILE; 16 or more.</summary>
    public long OpenFiles { get; init; } = 1024;

    /// <summary>Seconds of processor time, RLIMIT_CPU; null to keep the inherited limit.</summary>
    public long? CpuSeconds { get; init; }

    /// <summary>The largest file in bytes that the worker may write, RLIMIT_FSIZE; null to keep the inherited limit.</summary>
    public long? FileSize { get; init; }

    /// <summary>The largest core file in bytes, RLIMIT_CORE; 0 for none, null to keep the inherited limit.</summary>
    public long? CoreSize { get; init; } = 0;

    /// <summary>Bytes of private writable memory, RLIMIT_DATA, if no control group limits the job's memory; null to keep the worker's
    /// limit.
    /// </summary>
    public long? DataBytes { get; init; }

    /// <summary>Processes and threads of the user, RLIMIT_NPROC, if no control group counts the job's processes; null to keep the worker's
    /// limit.
    /// </summary>
    public long? Processes { get; init; }

    /// <summary>The worker's umask, 0 to 0777.</summary>
    public uint Umask { get; init; } = 0x3F; // 0077

    /// <summary>The worker's nice value, -20 to 19.</summary>
    public int Nice { get; init; }

    /// <summary>The value that the kernel adds to the worker's badness when memory runs out, -1000 to 1000; proc(5).</summary>
    public int OomScoreAdjust { get; init; }

    /// <summary>Appends the limits to a message.</summary>
    public void Encode(MessageWriter writer) => writer
        .Int64(OpenFiles).Int64(CpuSeconds ?? NoLimit).Int64(FileSize ?? NoLimit)
        .Int64(DataBytes ?? NoLimit).Int64(Processes ?? NoLimit).UInt32(Umask).Int32(Nice).Int32(OomScoreAdjust)
        .Int64(CoreSize ?? NoLimit);

    /// <summary>Reads the limits from a message.</summary>
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
