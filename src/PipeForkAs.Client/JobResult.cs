using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client;

/// <summary>How a job ended, or why the daemon did not run it.</summary>
public sealed record JobResult
{
    /// <summary>The code of the reply.</summary>
    public required ReplyCode Code { get; init; }

    /// <summary>Whether the job ran and exited with 0.</summary>
    public bool IsSuccess => Code == ReplyCode.Ok;

    /// <summary>The exit code, 0 to 255; null if a signal killed the job or no job ran.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The number of the signal that killed the job, 1 to 64; signal(7). Null if none did.</summary>
    public int? Signal { get; init; }

    /// <summary>What happened, for people; null if the job exited with 0.</summary>
    public string? Message { get; init; }

    /// <summary>
    /// The exception that the function threw, or why the program cannot be executed; null unless <see cref="Code"/> is
    /// <see cref="ReplyCode.Error"/>.
    /// </summary>
    public JobError? Error { get; init; }

    /// <summary>The job's name; null if the daemon could not read the request.</summary>
    public string? Job { get; init; }

    /// <summary>The name of the user that the job ran as; null if the daemon resolved no user.</summary>
    public string? User { get; init; }

    /// <summary>The uid that the job ran as; null if the daemon resolved no user.</summary>
    public uint? Uid { get; init; }

    /// <summary>The worker's process id; null if no worker took the job.</summary>
    public int? Pid { get; init; }

    /// <summary>The number of bytes that the job wrote to standard output.</summary>
    public long StdoutBytes { get; init; }

    /// <summary>The number of bytes that the job wrote to standard error.</summary>
    public long StderrBytes { get; init; }

    /// <summary>The time from the accepted connection to the end.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>Processor time, user and system, of the worker and the descendants that it waited for; getrusage(2). Null if no job ran.
    /// </summary>
    public TimeSpan? ProcessorTime { get; init; }

    /// <summary>The worker's largest resident set in bytes; getrusage(2). Null if no job ran.</summary>
    public long? MaxResidentBytes { get; init; }

    /// <summary>Returns this result if the job succeeded.</summary>
    /// <exception cref="JobFailedException"><see cref="Code"/> is not <see cref="ReplyCode.Ok"/>.</exception>
    public JobResult EnsureSuccess() => IsSuccess ? this : throw new JobFailedException(this);

    internal static JobResult Of(EndRecord end) => new()
    {
        Code = end.Code,
        ExitCode = end.Exit,
        Signal = end.Signal,
        Message = end.Message,
        Error = end.Error,
        Job = end.Job,
        User = end.User,
        Uid = end.Uid,
        Pid = end.Pid,
        StdoutBytes = end.Stdout,
        StderrBytes = end.Stderr,
        Duration = SecondsConverter.Of(end.Seconds),
        ProcessorTime = end.Cpu is { } cpu ? SecondsConverter.Of(cpu) : null,
        MaxResidentBytes = end.MaxResidentBytes,
    };

    internal EndRecord ToWire() => new()
    {
        Code = Code,
        Exit = ExitCode,
        Signal = Signal,
        Message = Message,
        Error = Error,
        Job = Job,
        User = User,
        Uid = Uid,
        Pid = Pid,
        Stdout = StdoutBytes,
        Stderr = StderrBytes,
        Seconds = Duration.TotalSeconds,
        Cpu = ProcessorTime?.TotalSeconds,
        MaxResidentBytes = MaxResidentBytes,
    };
}
