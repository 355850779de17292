using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>How a request ended: the <c>code</c> of a reply.</summary>
[JsonConverter(typeof(ReplyCodeConverter))]
public enum ReplyCode
{
    /// <summary>The job ran and its exit code was 0.</summary>
    Ok,

    /// <summary>The job ran and its exit code was not 0.</summary>
    Failed,

    /// <summary>A signal ended the job.</summary>
    Signaled,

    /// <summary>The function threw, or the program cannot be executed; <see cref="EndRecord.Error"/> holds type and message, and errno.</summary>
    Error,

    /// <summary>The job ran longer than it may and was ended.</summary>
    Timeout,

    /// <summary>Someone cancelled the job.</summary>
    Cancelled,

    /// <summary>The job wrote more than it may and was ended.</summary>
    OutputLimit,

    /// <summary>The request cannot be read; nothing was run.</summary>
    BadRequest,

    /// <summary>The request's line is longer than <see cref="ClientProtocol.MaxRequestBytes"/>; nothing was run.</summary>
    TooLarge,

    /// <summary>No job of that name is registered.</summary>
    UnknownJob,

    /// <summary>The user database knows no such user.</summary>
    UnknownUser,

    /// <summary>The arguments are not what the job takes.</summary>
    BadArguments,

    /// <summary>The policy does not allow it. Says nothing about whether the job or the user exists.</summary>
    Denied,

    /// <summary>A limit on what runs at once is reached; ask again later.</summary>
    Busy,

    /// <summary>The job host died while the job ran. The job was not, and is not, run a second time.</summary>
    HostLost,

    /// <summary>The daemon is stopping.</summary>
    ShuttingDown,

    /// <summary>The daemon or a worker failed before the job ran; the message names the step and the errno.</summary>
    Internal,
}
