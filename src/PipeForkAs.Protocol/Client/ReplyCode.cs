using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>How a request ended: the <c>code</c> of a reply.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ReplyCode>))]
public enum ReplyCode
{
    /// <summary>The job ran and its exit code was 0.</summary>
    [JsonStringEnumMemberName("ok")] Ok,

    /// <summary>The job ran and its exit code was not 0.</summary>
    [JsonStringEnumMemberName("failed")] Failed,

    /// <summary>A signal ended the job.</summary>
    [JsonStringEnumMemberName("signaled")] Signaled,

    /// <summary>The function threw; <see cref="EndRecord.Error"/> holds the exception's type and message.</summary>
    [JsonStringEnumMemberName("error")] Error,

    /// <summary>The job ran longer than it may and was ended.</summary>
    [JsonStringEnumMemberName("timeout")] Timeout,

    /// <summary>Someone cancelled the job.</summary>
    [JsonStringEnumMemberName("cancelled")] Cancelled,

    /// <summary>The job wrote more than it may and was ended.</summary>
    [JsonStringEnumMemberName("output-limit")] OutputLimit,

    /// <summary>The request cannot be read; nothing was run.</summary>
    [JsonStringEnumMemberName("bad-request")] BadRequest,

    /// <summary>The request's line is longer than <see cref="ClientProtocol.MaxRequestBytes"/>; nothing was run.</summary>
    [JsonStringEnumMemberName("too-large")] TooLarge,

    /// <summary>No job of that name is registered.</summary>
    [JsonStringEnumMemberName("unknown-job")] UnknownJob,

    /// <summary>The user database knows no such user.</summary>
    [JsonStringEnumMemberName("unknown-user")] UnknownUser,

    /// <summary>The arguments are not what the job takes.</summary>
    [JsonStringEnumMemberName("bad-args")] BadArguments,

    /// <summary>The policy does not allow it. Says nothing about whether the job or the user exists.</summary>
    [JsonStringEnumMemberName("denied")] Denied,

    /// <summary>A limit on what runs at once is reached; ask again later.</summary>
    [JsonStringEnumMemberName("busy")] Busy,

    /// <summary>The job host died while the job ran. The job was not, and is not, run a second time.</summary>
    [JsonStringEnumMemberName("host-lost")] HostLost,

    /// <summary>The daemon is stopping.</summary>
    [JsonStringEnumMemberName("shutting-down")] ShuttingDown,

    /// <summary>The daemon or a worker failed before the job ran; the message names the step and the errno.</summary>
    [JsonStringEnumMemberName("internal")] Internal,
}
