using System.Text.Json.Serialization;
using PipeForkAs.Protocol;

namespace PipeForkAs.Client;

/// <summary>The result of <c>check</c>. In the protocol it is the output of the reply; the code of the end record is <c>ok</c> or
/// <c>denied</c>.
/// </summary>
public sealed record CheckResult
{
    /// <summary>Whether the daemon would run the job.</summary>
    [JsonPropertyName("allowed")]
    public required bool Allowed { get; init; }

    /// <summary>The uid of the caller for which the daemon decided.</summary>
    [JsonPropertyName("caller")]
    public required uint Caller { get; init; }

    /// <summary>The name of the job.</summary>
    [JsonPropertyName("job")]
    public required string Job { get; init; }

    /// <summary>The user: the account's name if the request is allowed, otherwise the name in the request.</summary>
    [JsonPropertyName("user")]
    public required string User { get; init; }

    /// <summary>The rule that decided. Null if none matched, or if the rule denies and the caller is not root.</summary>
    [JsonPropertyName("rule")]
    public string? Rule { get; init; }

    /// <summary>The reason; null if the caller may not know it.</summary>
    [JsonPropertyName("reason")]
    public string? Reason { get; init; }

    /// <summary>Each rule up to the rule that decided; null unless the caller is root.</summary>
    [JsonPropertyName("rules")]
    public IReadOnlyList<CheckedRule>? Rules { get; init; }

    /// <summary>The uid that the job would run as.</summary>
    [JsonPropertyName("uid")]
    public uint? Uid { get; init; }

    /// <summary>The gid of the user's primary group.</summary>
    [JsonPropertyName("gid")]
    public uint? Gid { get; init; }

    /// <summary>The gids of all the user's groups.</summary>
    [JsonPropertyName("groups")]
    public IReadOnlyList<uint>? Groups { get; init; }

    /// <summary>The user's home directory.</summary>
    [JsonPropertyName("home")]
    public string? Home { get; init; }

    /// <summary>The limits by name; the values are seconds, bytes or counts.</summary>
    [JsonPropertyName("limits")]
    public IReadOnlyDictionary<string, double>? Limits { get; init; }

    /// <summary>What the job may access, out of what its user may access; all sandboxes apply. Null for no sandbox.</summary>
    [JsonPropertyName("sandbox")]
    public IReadOnlyList<Sandbox>? Sandboxes { get; init; }
}

/// <summary>A rule, and whether it matched.</summary>
/// <param name="Name">The rule's name.</param>
/// <param name="Outcome">That the rule matched, or which part of it did not match.</param>
public sealed record CheckedRule([property: JsonPropertyName("name")] string Name, [property: JsonPropertyName("outcome")] string Outcome);
