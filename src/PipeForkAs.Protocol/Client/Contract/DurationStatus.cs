using System.Text.Json.Serialization;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client;

/// <summary>How long the jobs of one kind took since the daemon started, each from the accepted connection to its end.</summary>
public sealed record DurationStatus
{
    /// <summary>How many jobs have ended.</summary>
    [JsonPropertyName("jobs")]
    public required long Jobs { get; init; }

    /// <summary>The total time of these jobs; in seconds in the protocol.</summary>
    [JsonPropertyName("seconds")]
    [JsonConverter(typeof(SecondsConverter))]
    public required TimeSpan Total { get; init; }

    /// <summary>How many jobs took at most as long as each bound; the bounds are in ascending order. Only <see cref="Jobs"/> counts longer
    /// jobs.
    /// </summary>
    [JsonPropertyName("histogram")]
    public required IReadOnlyList<DurationBucket> Histogram { get; init; }
}

/// <summary>The number of jobs up to a duration.</summary>
/// <param name="UpTo">The duration; in seconds in the protocol.</param>
/// <param name="Jobs">How many jobs took at most that long.</param>
public sealed record DurationBucket(
    [property: JsonPropertyName("le"), JsonConverter(typeof(SecondsConverter))] TimeSpan UpTo,
    [property: JsonPropertyName("jobs")] long Jobs);

/// <summary>How many requests to run a job the policy denied, by the rule that decided.</summary>
/// <param name="Rule">The name of the <c>Deny</c> rule; null where no rule allowed the request.</param>
/// <param name="Count">How many requests, since the daemon started.</param>
public sealed record DenialStatus(
    [property: JsonPropertyName("rule")] string? Rule,
    [property: JsonPropertyName("count")] long Count);
