using System.Text.Json;
using System.Text.Json.Serialization;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client;

/// <summary>A registered job, in the results of <c>list</c> and <c>describe</c>.</summary>
public sealed record JobDescription
{
    /// <summary>The job's name.</summary>
    [JsonPropertyName("name")]
    public required string Name { get; init; }

    /// <summary>The job's kind.</summary>
    [JsonPropertyName("kind")]
    public required JobKind Kind { get; init; }

    /// <summary>What the job does, in one line; may be empty.</summary>
    [JsonPropertyName("description")]
    public string Description { get; init; } = "";

    /// <summary>The JSON schema of the job's arguments; null if it takes none.</summary>
    [JsonPropertyName("arguments")]
    public JsonElement? Arguments { get; init; }

    /// <summary>The environment variables that a client may set.</summary>
    [JsonPropertyName("env")]
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>Variables that a client may set although they change which code common programs run. Null for none.</summary>
    [JsonPropertyName("unsafeEnv")]
    public IReadOnlyList<string>? UnsafeEnvironment { get; init; }

    /// <summary>How long the job may run: the shorter of the job's and the configuration's limits; in seconds in the protocol. Null from a
    /// daemon before 0.2.
    /// </summary>
    [JsonPropertyName("timeout")]
    [JsonConverter(typeof(SecondsConverter))]
    public TimeSpan? Timeout { get; init; }

    /// <summary>What the job may access, out of what its user may access; all sandboxes apply. Null for no sandbox.</summary>
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

    /// <summary>A function that takes an arguments record and returns a result record.</summary>
    [JsonStringEnumMemberName("typed")] Typed,

    /// <summary>A function that uses the job's streams and returns an exit code.</summary>
    [JsonStringEnumMemberName("streaming")] Streaming,

    /// <summary>A program in the configuration.</summary>
    [JsonStringEnumMemberName("command")] Command,
}
