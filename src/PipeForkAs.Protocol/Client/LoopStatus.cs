using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>
/// How long the turns of the daemon's event loop took, since the daemon started. While a turn lasts nobody else is served.
/// </summary>
public sealed record LoopStatus
{
    /// <summary>How many turns there were.</summary>
    [JsonPropertyName("turns")]
    public required long Turns { get; init; }

    /// <summary>The time of all turns together, in seconds.</summary>
    [JsonPropertyName("seconds")]
    public required double Seconds { get; init; }

    /// <summary>The longest turn, in seconds.</summary>
    [JsonPropertyName("longest")]
    public required double Longest { get; init; }

    /// <summary>
    /// For how many seconds of the longest turn the loop's thread ran; in the rest it was blocked, or waited for a processor. Null from daemons that do
    /// not say it.
    /// </summary>
    [JsonPropertyName("longest_on_processor")]
    public double? LongestOnProcessor { get; init; }

    /// <summary>What took most of the longest turn; null where that turn was shorter than 1 ms, or the caller is not root.</summary>
    [JsonPropertyName("longest_step")]
    public string? LongestStep { get; init; }

    /// <summary>How many turns took at most so many seconds, the bounds in ascending order; those beyond the last bound are only in <see cref="Turns"/>.</summary>
    [JsonPropertyName("histogram")]
    public required IReadOnlyList<LoopBucket> Histogram { get; init; }
}

/// <summary>The turns up to a length.</summary>
/// <param name="Seconds">The length.</param>
/// <param name="Turns">How many turns took at most that long.</param>
public sealed record LoopBucket([property: JsonPropertyName("le")] double Seconds, [property: JsonPropertyName("turns")] long Turns);
