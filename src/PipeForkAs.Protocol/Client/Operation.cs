using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>What a request asks for.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Operation>))]
public enum Operation
{
    /// <summary>Run a job.</summary>
    [JsonStringEnumMemberName("run")] Run,

    /// <summary>List the jobs.</summary>
    [JsonStringEnumMemberName("list")] List,

    /// <summary>Describe one job: its kind, its arguments' schema.</summary>
    [JsonStringEnumMemberName("describe")] Describe,
}
