using System.Text.Json.Serialization;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>
/// One message between a daemon and the one that takes over from it, which may be of another version: members are added, and none gets
/// another meaning. Each message has one member that is not null, which tells what it is. Members that are unknown are ignored.
/// </summary>
internal sealed record HandoverMessage
{
    /// <summary>To the new daemon, first: what it takes over.</summary>
    public Offer? Offer { get; init; }

    /// <summary>To the former daemon, from the process that started it: the number of the new one.</summary>
    public int? Started { get; init; }

    /// <summary>To the former daemon: the new one could not start, with the reason. It ends.</summary>
    public string? Failed { get; init; }

    /// <summary>To the former daemon: the new one can serve, and waits for <see cref="FirstJob"/>.</summary>
    public bool? Ready { get; init; }

    /// <summary>To the new daemon: the former one accepts no more; serve, and number jobs from this on.</summary>
    public long? FirstJob { get; init; }

    /// <summary>To the new daemon, again and again: the former one's loop is not stuck.</summary>
    public bool? Alive { get; init; }

    /// <summary>To the former daemon, which answers by <see cref="Jobs"/>.</summary>
    public JobsQuestion? Question { get; init; }

    /// <summary>To the new daemon: an answer, or a part of it.</summary>
    public JobsAnswer? Jobs { get; init; }

    /// <summary>To the former daemon: the service stops. Requests that have not begun are refused.</summary>
    public bool? Stop { get; init; }
}

/// <summary>What a daemon leaves to the one that takes over from it.</summary>
/// <param name="Pid">The process of the former daemon.</param>
/// <param name="Generation">The number of the new daemon; that of the first one is 1.</param>
/// <param name="SocketDevice">The device of the socket's file, where the daemon made it; null where the service manager did.</param>
/// <param name="SocketInode">Its inode, likewise.</param>
/// <param name="Cgroup">The control group below which jobs get theirs; null where they get none.</param>
internal sealed record Offer(int Pid, int Generation, ulong? SocketDevice, ulong? SocketInode, CgroupOffer? Cgroup);

/// <summary>A question for the jobs that a caller may know of, or a demand to end one of them.</summary>
/// <param name="Number">Of the question.</param>
/// <param name="Caller">The caller's uid.</param>
/// <param name="Cancel">The job to end; null for the question.</param>
internal sealed record JobsQuestion(long Number, uint Caller, long? Cancel);

/// <summary>An answer to a <see cref="JobsQuestion"/>.</summary>
/// <param name="Number">Of the question.</param>
/// <param name="Jobs">Jobs that the caller may know of.</param>
/// <param name="Running">How many jobs run, whoever asked for them.</param>
/// <param name="IsCancelled">Whether a job is being ended.</param>
/// <param name="HasMore">Whether another part of the answer follows.</param>
internal sealed record JobsAnswer(long Number, IReadOnlyList<RunningJobStatus> Jobs, int Running, bool IsCancelled, bool HasMore);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HandoverMessage))]
internal sealed partial class HandoverJson : JsonSerializerContext;
