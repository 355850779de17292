using System.Text.Json;
using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>A registered job, as <c>list</c> and <c>describe</c> tell of it.</summary>
public sealed record JobDescription
{
    /// <summary>The job's name.</summary>
    [JsonPropertyName("name")]
    public required string Name { get; init; }

    /// <summary>What it is.</summary>
    [JsonPropertyName("kind")]
    public required JobKind Kind { get; init; }

    /// <summary>What it does, in one line; may be empty.</summary>
    [JsonPropertyName("description")]
    public string Description { get; init; } = "";

    /// <summary>The JSON schema of its arguments; null when it takes none.</summary>
    [JsonPropertyName("arguments")]
    public JsonElement? Arguments { get; init; }

    /// <summary>The environment variables that a client may set.</summary>
    [JsonPropertyName("env")]
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>Variables that a client may set although they change which code common programs run; null for none.</summary>
    [JsonPropertyName("unsafeEnv")]
    public IReadOnlyList<string>? UnsafeEnvironment { get; init; }

    /// <summary>
    /// Seconds that the job may run: the shortest of what the job and the configuration say. Null of a daemon before 0.2.
    /// </summary>
    [JsonPropertyName("timeout")]
    public double? Timeout { get; init; }

    /// <summary>What it may reach, beside what its user may; all of them hold. Null for no sandbox.</summary>
    [JsonPropertyName("sandbox")]
    public IReadOnlyList<Sandbox>? Sandboxes { get; init; }

    /// <summary>The arguments whose values the daemon's audit records show, <c>*</c> for all; null for none.</summary>
    [JsonPropertyName("audited")]
    public IReadOnlyList<string>? AuditedArguments { get; init; }
}

/// <summary>The kinds of jobs.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<JobKind>))]
public enum JobKind
{
    /// <summary>A function that returns text.</summary>
    [JsonStringEnumMemberName("text")] Text,

    /// <summary>A function from an arguments record to a result record.</summary>
    [JsonStringEnumMemberName("typed")] Typed,

    /// <summary>A function over the job's streams that returns an exit code.</summary>
    [JsonStringEnumMemberName("streaming")] Streaming,

    /// <summary>A program that the configuration names.</summary>
    [JsonStringEnumMemberName("command")] Command,
}

/// <summary>JSON of job descriptions.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(JobDescription))]
[JsonSerializable(typeof(IReadOnlyList<JobDescription>))]
public sealed partial class JobDescriptionJson : JsonSerializerContext;
