using System.Text.Json.Serialization;

namespace PipeForkAs.Client;

/// <summary>Counts audit records and log lines since the daemon started.</summary>
/// <param name="Suppressed">Records that the daemon left out and summed up in others; their requests ran nothing.</param>
/// <param name="Lines">Log lines that the daemon left out, because there were many of the same event.</param>
/// <param name="Waiting">Records that wait for the audit file now; null unless the caller is root.</param>
/// <param name="Lost">Records that the audit file lacks; null unless the caller is root.</param>
public sealed record RecordStatus(
    [property: JsonPropertyName("suppressed")] long Suppressed,
    [property: JsonPropertyName("lines")] long Lines,
    [property: JsonPropertyName("waiting")] int? Waiting,
    [property: JsonPropertyName("lost")] long? Lost);
