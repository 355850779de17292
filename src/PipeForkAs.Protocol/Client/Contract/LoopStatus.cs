using System.Text.Json.Serialization;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client;

/// <summary>
/// How long the turns of the daemon's event loop took, since the daemon started. While a turn lasts nobody else is served.
/// </summary>
public sealed record LoopStatus
{
    /// <summary>How many turns there were.</summary>
    [JsonPropertyName("turns")]
    public required long Turns { get; init; }

    /// <summary>The time of all turns together; seconds on the wire.</summary>
    [JsonPropertyName("seconds")]
    [JsonConverter(typeof(SecondsConverter))]
    public required TimeSpan Total { get; init; }

    /// <summary>The longest turn; seconds on the wire.</summary>
    [JsonPropertyName("longest")]
    [JsonConverter(typeof(SecondsConverter))]
    public required TimeSpan Longest { get; init; }

    /// <summary>
    /// The processor time of the longest turn; in the rest the loop's thread was blocked, or waited for a processor. Seconds on the wire.
    /// Null from daemons that do not report it.
    /// </summary>
    [JsonPropertyName("longest_on_processor")]
    [JsonConverter(typeof(SecondsConverter))]
    public TimeSpan? LongestOnProcessor { get; init; }

    /// <summary>What took most of the longest turn; null where that turn was shorter than 1 ms, or the caller is not root.</summary>
    [JsonPropertyName("longest_step")]
    public string? LongestStep { get; init; }

    /// <summary>
    /// How many turns took at most as long as each bound, the bounds in ascending order. Longer turns are counted only in
    /// <see cref="Turns"/>.
    /// </summary>
    [JsonPropertyName("histogram")]
    public required IReadOnlyList<LoopBucket> Histogram { get; init; }
}

/// <summary>The turns up to a length.</summary>
/// <param name="UpTo">The length; seconds on the wire.</param>
/// <param name="Turns">How many turns took at most that long.</param>
public sealed record LoopBucket(
    [property: JsonPropertyName("le"), JsonConverter(typeof(SecondsConverter))] TimeSpan UpTo,
    [property: JsonPropertyName("turns")] long Turns);
