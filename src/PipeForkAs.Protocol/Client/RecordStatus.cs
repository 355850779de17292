using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>What <c>status</c> tells of audit records and log lines, counted since the daemon started.</summary>
/// <param name="Suppressed">Records of requests that ran nothing which others sum up.</param>
/// <param name="Lines">Log lines that were left out because there were many of the same event.</param>
/// <param name="Waiting">Records that wait for the audit file now; null where the caller may not know it.</param>
/// <param name="Lost">Records that the audit file lacks; null where the caller may not know it.</param>
public sealed record RecordStatus(
    [property: JsonPropertyName("suppressed")] long Suppressed,
    [property: JsonPropertyName("lines")] long Lines,
    [property: JsonPropertyName("waiting")] int? Waiting,
    [property: JsonPropertyName("lost")] long? Lost);
