using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>What <c>check</c> tells: the output of the reply, before its end record, whose code is <c>ok</c> where it is allowed and <c>denied</c> where not.</summary>
public sealed record CheckResult
{
    /// <summary>Whether the job would be run.</summary>
    [JsonPropertyName("allowed")]
    public required bool Allowed { get; init; }

    /// <summary>The uid that was decided for.</summary>
    [JsonPropertyName("caller")]
    public required uint Caller { get; init; }

    /// <summary>The job.</summary>
    [JsonPropertyName("job")]
    public required string Job { get; init; }

    /// <summary>The user: the account's name where it is allowed, else as it was asked.</summary>
    [JsonPropertyName("user")]
    public required string User { get; init; }

    /// <summary>The rule that decided; null where none matched, or where the caller may not know it.</summary>
    [JsonPropertyName("rule")]
    public string? Rule { get; init; }

    /// <summary>Why; null where the caller may not know it.</summary>
    [JsonPropertyName("reason")]
    public string? Reason { get; init; }

    /// <summary>Rule by rule up to the one that decided; null where the caller may not know it.</summary>
    [JsonPropertyName("rules")]
    public IReadOnlyList<CheckedRule>? Rules { get; init; }

    /// <summary>The uid that the job would run as.</summary>
    [JsonPropertyName("uid")]
    public uint? Uid { get; init; }

    /// <summary>Its primary group.</summary>
    [JsonPropertyName("gid")]
    public uint? Gid { get; init; }

    /// <summary>All its groups.</summary>
    [JsonPropertyName("groups")]
    public IReadOnlyList<uint>? Groups { get; init; }

    /// <summary>Its home.</summary>
    [JsonPropertyName("home")]
    public string? Home { get; init; }

    /// <summary>Limits by their names: seconds, bytes, counts.</summary>
    [JsonPropertyName("limits")]
    public IReadOnlyDictionary<string, double>? Limits { get; init; }

    /// <summary>What the job may reach, beside what its user may; all of them hold. Null for no sandbox.</summary>
    [JsonPropertyName("sandbox")]
    public IReadOnlyList<Sandbox>? Sandboxes { get; init; }
}

/// <summary>A rule, and what came of it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Outcome">Whether it matched, or what of it did not.</param>
public sealed record CheckedRule([property: JsonPropertyName("name")] string Name, [property: JsonPropertyName("outcome")] string Outcome);

/// <summary>JSON of what <c>check</c> tells.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(CheckResult))]
public sealed partial class CheckResultJson : JsonSerializerContext;
