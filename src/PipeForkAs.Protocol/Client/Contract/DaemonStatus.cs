using System.Text.Json.Serialization;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client;

/// <summary>The result of <c>status</c>. A caller other than root sees only its own jobs, and no job hosts.</summary>
public sealed record DaemonStatus
{
    /// <summary>The daemon's version.</summary>
    [JsonPropertyName("version")]
    public required string Version { get; init; }

    /// <summary>Time since the daemon started; in seconds in the protocol.</summary>
    [JsonPropertyName("uptime")]
    [JsonConverter(typeof(SecondsConverter))]
    public required TimeSpan Uptime { get; init; }

    /// <summary>The job hosts; null unless the caller is root.</summary>
    [JsonPropertyName("hosts")]
    public IReadOnlyList<JobHostStatus>? Hosts { get; init; }

    /// <summary>The process id of a former daemon that exits after its last job; its jobs are among <see cref="Jobs"/>. Null if there is
    /// none, or if the caller is not root.
    /// </summary>
    [JsonPropertyName("former_daemon")]
    public int? FormerDaemon { get; init; }

    /// <summary>The running jobs, oldest first: root sees all jobs, other callers see their own.</summary>
    [JsonPropertyName("jobs")]
    public required IReadOnlyList<RunningJobStatus> Jobs { get; init; }

    /// <summary>How many jobs are running, for all callers.</summary>
    [JsonPropertyName("running")]
    public required int Running { get; init; }

    /// <summary>How many requests are queued until a job slot is free.</summary>
    [JsonPropertyName("waiting")]
    public required int Waiting { get; init; }

    /// <summary>How many requests the daemon has not refused, since it started.</summary>
    [JsonPropertyName("served")]
    public required long Served { get; init; }

    /// <summary>How many requests the daemon has refused, since it started; they ran nothing.</summary>
    [JsonPropertyName("refused")]
    public required long Refused { get; init; }

    /// <summary>How many replies had each code since the daemon started: all codes, by their names in the protocol.</summary>
    [JsonPropertyName("codes")]
    public required IReadOnlyDictionary<string, long> Codes { get; init; }

    /// <summary>How long jobs took, by their kind as the protocol names it; null from daemons that do not report it.</summary>
    [JsonPropertyName("durations")]
    public IReadOnlyDictionary<string, DurationStatus>? Durations { get; init; }

    /// <summary>The denied requests to run a job, by rule; null unless the caller is root, and from daemons that do not report it.
    /// </summary>
    [JsonPropertyName("denials")]
    public IReadOnlyList<DenialStatus>? Denials { get; init; }

    /// <summary>How long the turns of the event loop took; null from daemons that do not report it.</summary>
    [JsonPropertyName("loop")]
    public LoopStatus? Loop { get; init; }

    /// <summary>Counters of audit records and log lines; null from daemons that do not report them.</summary>
    [JsonPropertyName("records")]
    public RecordStatus? Records { get; init; }
}

/// <summary>A job host in the result of <c>status</c>.</summary>
/// <param name="Path">The path of its executable.</param>
/// <param name="Pids">The ids of its processes.</param>
/// <param name="Ready">How many workers are ready: forked in advance, without an order.</param>
/// <param name="Workers">How many workers should be ready: the configured number, and more after requests that found none.</param>
/// <param name="Well">Whether one of its processes responds and can fork.</param>
/// <param name="Draining">Whether a reload replaced it: it takes no new requests and ends with its last job.</param>
/// <param name="Misses">How many requests found no ready worker and waited for a fork; null from daemons that do not report it.</param>
public sealed record JobHostStatus(
    [property: JsonPropertyName("path")] string Path,
    [property: JsonPropertyName("pids")] IReadOnlyList<int> Pids,
    [property: JsonPropertyName("ready")] int Ready,
    [property: JsonPropertyName("workers")] int Workers,
    [property: JsonPropertyName("well")] bool Well,
    [property: JsonPropertyName("draining"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Draining = false,
    [property: JsonPropertyName("misses")] long? Misses = null);

/// <summary>A running job in the result of <c>status</c>.</summary>
public sealed record RunningJobStatus
{
    /// <summary>The job's id for <c>cancel</c>. Ids start at 1 when the daemon starts and are never reused.</summary>
    [JsonPropertyName("id")]
    public required long Id { get; init; }

    /// <summary>The job's name.</summary>
    [JsonPropertyName("job")]
    public required string Job { get; init; }

    /// <summary>The uid of the caller.</summary>
    [JsonPropertyName("caller")]
    public required uint Caller { get; init; }

    /// <summary>The name of the user that the job runs as.</summary>
    [JsonPropertyName("user")]
    public required string User { get; init; }

    /// <summary>The uid that the job runs as.</summary>
    [JsonPropertyName("uid")]
    public required uint Uid { get; init; }

    /// <summary>The worker's process id.</summary>
    [JsonPropertyName("pid")]
    public required int Pid { get; init; }

    /// <summary>Time since the job began; in seconds in the protocol.</summary>
    [JsonPropertyName("age")]
    [JsonConverter(typeof(SecondsConverter))]
    public required TimeSpan Age { get; init; }
}
