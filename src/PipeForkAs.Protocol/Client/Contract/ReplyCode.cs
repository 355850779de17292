using System.Text.Json.Serialization;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client;

/// <summary>How a request ended: the <c>code</c> of a reply.</summary>
[JsonConverter(typeof(ReplyCodeConverter))]
public enum ReplyCode
{
    /// <summary>The job ran and its exit code was 0.</summary>
    Ok,

    /// <summary>The job ran and its exit code was not 0.</summary>
    Failed,

    /// <summary>A signal killed the job.</summary>
    Signaled,

    /// <summary>The function threw an exception, or the program cannot be executed; a <see cref="JobError"/> has type, message and errno.
    /// </summary>
    Error,

    /// <summary>The job exceeded its time limit and was killed.</summary>
    Timeout,

    /// <summary>The job was cancelled: by a <c>cancel</c> request, or because its client disconnected.</summary>
    Cancelled,

    /// <summary>The job exceeded its output limit and was killed.</summary>
    OutputLimit,

    /// <summary>The request is not valid; the daemon ran nothing.</summary>
    BadRequest,

    /// <summary>The request line is longer than <see cref="ClientProtocol.MaxRequestBytes"/>; the daemon ran nothing.</summary>
    TooLarge,

    /// <summary>No job with this name is registered.</summary>
    UnknownJob,

    /// <summary>The user database has no such user.</summary>
    UnknownUser,

    /// <summary>The arguments do not fit the job.</summary>
    BadArguments,

    /// <summary>The policy denies the request. The code does not show whether the job or the user exists.</summary>
    Denied,

    /// <summary>The maximum number of jobs is running; try again later.</summary>
    Busy,

    /// <summary>The job host died while the job was running. The daemon does not run the job a second time.</summary>
    HostLost,

    /// <summary>The daemon is stopping.</summary>
    ShuttingDown,

    /// <summary>The daemon or a worker failed before the job ran; the message names the step and the errno.</summary>
    Internal,
}
