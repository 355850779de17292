using System.Text.Json.Serialization;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>
/// A message between a daemon and the new daemon that takes over from it. The daemons may have different versions, so new members may be
/// added, but the meaning of a member never changes. Exactly one member of a message is not null, and it defines the kind of the message. A
/// daemon ignores unknown members.
/// </summary>
internal sealed record HandoverMessage
{
    /// <summary>To the new daemon, as the first message: what it takes over.</summary>
    public Offer? Offer { get; init; }

    /// <summary>To the former daemon, from the process that started the new one: the process id of the new daemon.</summary>
    public int? Started { get; init; }

    /// <summary>To the former daemon: the reason why the new daemon could not start. The new daemon ends.</summary>
    public string? Failed { get; init; }

    /// <summary>To the former daemon: the new daemon can serve, and waits for <see cref="FirstJob"/>.</summary>
    public bool? Ready { get; init; }

    /// <summary>
    /// To the new daemon: the former daemon accepts no more connections. The new daemon serves now, and its job ids start with this value.
    /// </summary>
    public long? FirstJob { get; init; }

    /// <summary>To the new daemon, at intervals: the loop of the former daemon is not blocked.</summary>
    public bool? Alive { get; init; }

    /// <summary>To the former daemon, which replies with <see cref="Jobs"/>.</summary>
    public JobsQuestion? Question { get; init; }

    /// <summary>To the new daemon: an answer, or one part of it.</summary>
    public JobsAnswer? Jobs { get; init; }

    /// <summary>To the former daemon: the service stops, so it refuses requests that have not begun.</summary>
    public bool? Stop { get; init; }
}

/// <summary>What a daemon passes to the daemon that takes over from it.</summary>
/// <param name="Pid">The process id of the former daemon.</param>
/// <param name="Generation">The generation of the new daemon; the first daemon has generation 1.</param>
/// <param name="SocketDevice">The device of the socket file if the daemon made it; null if systemd made it.</param>
/// <param name="SocketInode">The inode of the socket file if the daemon made it; null if systemd made it.</param>
/// <param name="Cgroup">The control group that contains the control groups of jobs; null if jobs have none.</param>
internal sealed record Offer(int Pid, int Generation, ulong? SocketDevice, ulong? SocketInode, CgroupOffer? Cgroup);

/// <summary>Requests the jobs that a caller may know, or the end of one of them.</summary>
/// <param name="Number">The number of the question.</param>
/// <param name="Caller">The caller's uid.</param>
/// <param name="Cancel">The id of the job to end; null to request the jobs.</param>
internal sealed record JobsQuestion(long Number, uint Caller, long? Cancel);

/// <summary>The answer to a <see cref="JobsQuestion"/>.</summary>
/// <param name="Number">The number of the question.</param>
/// <param name="Jobs">The jobs that the caller may know.</param>
/// <param name="Running">The number of running jobs of all callers.</param>
/// <param name="IsCancelled">Whether a job is being ended.</param>
/// <param name="HasMore">Whether another part of the answer follows.</param>
internal sealed record JobsAnswer(long Number, IReadOnlyList<RunningJobStatus> Jobs, int Running, bool IsCancelled, bool HasMore);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HandoverMessage))]
internal sealed partial class HandoverJson : JsonSerializerContext;
