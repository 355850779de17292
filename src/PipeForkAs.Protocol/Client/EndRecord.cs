using System.Text.Json;
using System.Text.Json.Serialization;
using PipeForkAs.Client;

namespace PipeForkAs.Protocol.Client;

/// <summary>The last frame of a reply: how the request ended.</summary>
public sealed record EndRecord
{
    /// <summary>The code of the reply.</summary>
    [JsonPropertyName("code")]
    public required ReplyCode Code { get; init; }

    /// <summary>The exit code, 0 to 255; null if a signal killed the job or no job ran.</summary>
    [JsonPropertyName("exit")]
    public int? Exit { get; init; }

    /// <summary>The number of the signal that killed the job, 1 to 64; null if none did.</summary>
    [JsonPropertyName("signal")]
    public int? Signal { get; init; }

    /// <summary>What happened, for people; null if the job exited with 0.</summary>
    [JsonPropertyName("message")]
    public string? Message { get; init; }

    /// <summary>The job's name in the request; null if the daemon could not read the request.</summary>
    [JsonPropertyName("job")]
    public string? Job { get; init; }

    /// <summary>The name of the user that the job ran as; null if the daemon resolved no user.</summary>
    [JsonPropertyName("user")]
    public string? User { get; init; }

    /// <summary>The uid that the job ran as; null if the daemon resolved no user.</summary>
    [JsonPropertyName("uid")]
    public uint? Uid { get; init; }

    /// <summary>The worker's process id; null if no worker took the job.</summary>
    [JsonPropertyName("pid")]
    public int? Pid { get; init; }

    /// <summary>Bytes that the job wrote to standard output.</summary>
    [JsonPropertyName("stdout")]
    public long Stdout { get; init; }

    /// <summary>Bytes that the job wrote to standard error.</summary>
    [JsonPropertyName("stderr")]
    public long Stderr { get; init; }

    /// <summary>Seconds from the accepted connection to the end.</summary>
    [JsonPropertyName("seconds")]
    public double Seconds { get; init; }

    /// <summary>Seconds of processor time, user and system, of the worker and the descendants that it waited for; getrusage(2).</summary>
    [JsonPropertyName("cpu")]
    public double? Cpu { get; init; }

    /// <summary>The worker's largest resident set in bytes; getrusage(2) counts it in KiB.</summary>
    [JsonPropertyName("maxrss")]
    public long? MaxResidentBytes { get; init; }

    /// <summary>The exception that the function threw, or why the program cannot be executed; null unless <see cref="Code"/> is
    /// <see cref="ReplyCode.Error"/>.
    /// </summary>
    [JsonPropertyName("error")]
    public JobError? Error { get; init; }

    /// <summary>Returns the record as JSON.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, EndRecordJson.Default.EndRecord);

    /// <summary>Reads a record. Ignores unknown members, so that a newer daemon can add some.</summary>
    /// <exception cref="JsonException">The JSON is not an end record.</exception>
    public static EndRecord Parse(ReadOnlySpan<byte> json)
    {
        EndRecord record = PlainJson.ReadEnd(json)
            ?? JsonSerializer.Deserialize(json, EndRecordJson.Default.EndRecord)
            ?? throw new JsonException("the end record is null");

        // The reader reads 1e999 as infinity, which the writer rejects.
        return double.IsFinite(record.Seconds) && double.IsFinite(record.Cpu ?? 0)
            ? record
            : throw new JsonException("a time of the end record is not a finite number");
    }
}

[JsonSourceGenerationOptions]
[JsonSerializable(typeof(EndRecord))]
internal sealed partial class EndRecordJson : JsonSerializerContext;
