using System.Text.Json.Serialization;
using PipeForkAs.Daemon.Isolation;

namespace PipeForkAs.Daemon.Upgrading;

/// <summary>
/// One message between a daemon and the one that takes over from it, which may be of another version: members are added, and none gets
/// another meaning. Each message has one member that is not null. Members that are unknown are ignored.
/// </summary>
internal sealed record HandoverMessage
{
    /// <summary>To the new daemon, first: what it takes over.</summary>
    public Offer? Offer { get; init; }

    /// <summary>To the former daemon: the new one could not start, with the reason. It ends.</summary>
    public string? Failed { get; init; }

    /// <summary>To the former daemon: the new one can serve, and waits for <see cref="FirstJob"/>.</summary>
    public bool? Ready { get; init; }

    /// <summary>To the new daemon: the former one accepts no more; serve, and number jobs from this on.</summary>
    public long? FirstJob { get; init; }

    /// <summary>To the new daemon, again and again: the former one's loop is not stuck.</summary>
    public bool? Alive { get; init; }

    /// <summary>To the former daemon: the service stops. Requests that have not begun are refused.</summary>
    public bool? Stop { get; init; }
}

/// <summary>What a daemon leaves to the one that takes over from it.</summary>
/// <param name="Generation">The number of the new daemon; that of the first one is 1.</param>
/// <param name="SocketDevice">The device of the socket's file, where the daemon made it; null where the service manager did.</param>
/// <param name="SocketInode">Its inode, likewise.</param>
/// <param name="Cgroup">The control group below which jobs get theirs; null where they get none.</param>
internal sealed record Offer(int Generation, ulong? SocketDevice, ulong? SocketInode, CgroupOffer? Cgroup);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HandoverMessage))]
internal sealed partial class HandoverJson : JsonSerializerContext;
