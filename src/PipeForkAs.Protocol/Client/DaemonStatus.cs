using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>What <c>status</c> tells. A caller other than root is told of its own jobs alone, and of no job host.</summary>
public sealed record DaemonStatus
{
    /// <summary>The daemon's version.</summary>
    [JsonPropertyName("version")]
    public required string Version { get; init; }

    /// <summary>Seconds since the daemon started.</summary>
    [JsonPropertyName("uptime")]
    public required double Uptime { get; init; }

    /// <summary>The job hosts; null where the caller may not know them.</summary>
    [JsonPropertyName("hosts")]
    public IReadOnlyList<JobHostStatus>? Hosts { get; init; }

    /// <summary>
    /// The process of a former daemon that ends with its last job, which is among <see cref="Jobs"/>; null where there is none, and where the caller
    /// may not know it.
    /// </summary>
    [JsonPropertyName("former_daemon")]
    public int? FormerDaemon { get; init; }

    /// <summary>The jobs that run, oldest first: for root all, for others those that they asked for.</summary>
    [JsonPropertyName("jobs")]
    public required IReadOnlyList<RunningJobStatus> Jobs { get; init; }

    /// <summary>How many jobs run, whoever asked for them.</summary>
    [JsonPropertyName("running")]
    public required int Running { get; init; }

    /// <summary>How many requests wait until fewer jobs run.</summary>
    [JsonPropertyName("waiting")]
    public required int Waiting { get; init; }

    /// <summary>Requests that were answered and not refused, since the daemon started.</summary>
    [JsonPropertyName("served")]
    public required long Served { get; init; }

    /// <summary>Requests that were refused, since the daemon started: nothing was run for them.</summary>
    [JsonPropertyName("refused")]
    public required long Refused { get; init; }

    /// <summary>How many requests were answered with each code, since the daemon started: all codes, by their words on the wire.</summary>
    [JsonPropertyName("codes")]
    public required IReadOnlyDictionary<string, long> Codes { get; init; }

    /// <summary>How long the turns of the event loop took; null where the daemon does not say (before 0.2).</summary>
    [JsonPropertyName("loop")]
    public LoopStatus? Loop { get; init; }

    /// <summary>What was counted of audit records and log lines.</summary>
    [JsonPropertyName("records")]
    public RecordStatus? Records { get; init; }
}

/// <summary>A job host, as <c>status</c> tells of it.</summary>
/// <param name="Path">Its executable.</param>
/// <param name="Pids">Its processes.</param>
/// <param name="Ready">How many workers wait for a request.</param>
/// <param name="Workers">How many shall wait: at least as many as configured, and more after requests that found none.</param>
/// <param name="Well">Whether one of its processes can fork, and answers.</param>
/// <param name="Draining">Whether a reload replaced it: it serves no new requests and ends with its last job.</param>
public sealed record JobHostStatus(
    [property: JsonPropertyName("path")] string Path,
    [property: JsonPropertyName("pids")] IReadOnlyList<int> Pids,
    [property: JsonPropertyName("ready")] int Ready,
    [property: JsonPropertyName("workers")] int Workers,
    [property: JsonPropertyName("well")] bool Well,
    [property: JsonPropertyName("draining"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Draining = false);

/// <summary>A job that runs, as <c>status</c> tells of it.</summary>
public sealed record RunningJobStatus
{
    /// <summary>What <c>cancel</c> names it by: counted from 1 since the daemon started, and given once.</summary>
    [JsonPropertyName("id")]
    public required long Id { get; init; }

    /// <summary>The job's name.</summary>
    [JsonPropertyName("job")]
    public required string Job { get; init; }

    /// <summary>The uid that asked for it.</summary>
    [JsonPropertyName("caller")]
    public required uint Caller { get; init; }

    /// <summary>The name of the user that it runs as.</summary>
    [JsonPropertyName("user")]
    public required string User { get; init; }

    /// <summary>The uid that it runs as.</summary>
    [JsonPropertyName("uid")]
    public required uint Uid { get; init; }

    /// <summary>The worker's process id.</summary>
    [JsonPropertyName("pid")]
    public required int Pid { get; init; }

    /// <summary>Seconds since it began.</summary>
    [JsonPropertyName("age")]
    public required double Age { get; init; }
}

/// <summary>JSON of what <c>status</c> tells.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(DaemonStatus))]
public sealed partial class DaemonStatusJson : JsonSerializerContext;
