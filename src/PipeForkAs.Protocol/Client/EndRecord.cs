using System.Text.Json;
using System.Text.Json.Serialization;
using PipeForkAs.Client;

namespace PipeForkAs.Protocol.Client;

/// <summary>The last frame of a reply: how the request ended.</summary>
public sealed record EndRecord
{
    /// <summary>How it ended.</summary>
    [JsonPropertyName("code")]
    public required ReplyCode Code { get; init; }

    /// <summary>The exit code, 0 to 255; null when a signal ended the job or no job ran.</summary>
    [JsonPropertyName("exit")]
    public int? Exit { get; init; }

    /// <summary>The number of the signal that ended the job, 1 to 64; null when none did.</summary>
    [JsonPropertyName("signal")]
    public int? Signal { get; init; }

    /// <summary>What happened, for a person; null when the job ended by itself with exit code 0.</summary>
    [JsonPropertyName("message")]
    public string? Message { get; init; }

    /// <summary>The job's name as asked; null when the request could not be read.</summary>
    [JsonPropertyName("job")]
    public string? Job { get; init; }

    /// <summary>The name of the user that the job ran as; null when no user was resolved.</summary>
    [JsonPropertyName("user")]
    public string? User { get; init; }

    /// <summary>The uid that the job ran as; null when no user was resolved.</summary>
    [JsonPropertyName("uid")]
    public uint? Uid { get; init; }

    /// <summary>The worker's process id; null when none was taken.</summary>
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

    /// <summary>
    /// The exception that the function threw, or why the program cannot be executed; null unless <see cref="Code"/> is
    /// <see cref="ReplyCode.Error"/>.
    /// </summary>
    [JsonPropertyName("error")]
    public JobError? Error { get; init; }

    /// <summary>The record as JSON.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, EndRecordJson.Default.EndRecord);

    /// <summary>Reads a record. Members that this version does not know are ignored, so that a newer daemon may add some.</summary>
    /// <exception cref="JsonException">It is no end record.</exception>
    public static EndRecord Parse(ReadOnlySpan<byte> json)
    {
        EndRecord record = JsonSerializer.Deserialize(json, EndRecordJson.Default.EndRecord)
            ?? throw new JsonException("the end record is null");

        // The reader makes infinity of 1e999, which no writer takes.
        return double.IsFinite(record.Seconds) && double.IsFinite(record.Cpu ?? 0)
            ? record
            : throw new JsonException("a time of the end record is not a finite number");
    }
}

[JsonSourceGenerationOptions]
[JsonSerializable(typeof(EndRecord))]
internal sealed partial class EndRecordJson : JsonSerializerContext;
