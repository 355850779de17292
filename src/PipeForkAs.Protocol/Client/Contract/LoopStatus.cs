using System.Text.Json.Serialization;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client;

/// <summary>How long the turns of the daemon's event loop took, since the daemon started. During a turn the daemon handles nothing else.
/// </summary>
public sealed record LoopStatus
{
    /// <summary>How many turns there were.</summary>
    [JsonPropertyName("turns")]
    public required long Turns { get; init; }

    /// <summary>The total time of all turns; in seconds in the protocol.</summary>
    [JsonPropertyName("seconds")]
    [JsonConverter(typeof(SecondsConverter))]
    public required TimeSpan Total { get; init; }

    /// <summary>The longest turn; in seconds in the protocol.</summary>
    [JsonPropertyName("longest")]
    [JsonConverter(typeof(SecondsConverter))]
    public required TimeSpan Longest { get; init; }

    /// <summary>The processor time of the longest turn. For the rest of that turn, the loop's thread was blocked or waited for a processor.
    /// In seconds in the protocol. Null from daemons that do not report it.
    /// </summary>
    [JsonPropertyName("longest_on_processor")]
    [JsonConverter(typeof(SecondsConverter))]
    public TimeSpan? LongestOnProcessor { get; init; }

    /// <summary>The step that took most of the longest turn; null if that turn was shorter than 1 ms, or if the caller is not root.
    /// </summary>
    [JsonPropertyName("longest_step")]
    public string? LongestStep { get; init; }

    /// <summary>How many turns took at most as long as each bound; the bounds are in ascending order. Only <see cref="Turns"/> counts
    /// longer turns.
    /// </summary>
    [JsonPropertyName("histogram")]
    public required IReadOnlyList<LoopBucket> Histogram { get; init; }
}

/// <summary>The number of turns up to a length.</summary>
/// <param name="UpTo">The length; in seconds in the protocol.</param>
/// <param name="Turns">How many turns took at most that long.</param>
public sealed record LoopBucket(
    [property: JsonPropertyName("le"), JsonConverter(typeof(SecondsConverter))] TimeSpan UpTo,
    [property: JsonPropertyName("turns")] long Turns);
