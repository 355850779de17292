using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// Defines which messages a job host may send in each stage. The daemon refuses a message out of order before it reads the content: a job
/// host that was never asked for its version must not become ready.
/// </summary>
internal static class HostMessageOrder
{
    /// <summary>Returns the messages that a stage allows.</summary>
    public static ReadOnlySpan<MessageKind> Allowed(HostStage stage) => stage switch
    {
        HostStage.Started => [MessageKind.Hello, MessageKind.Refused],
        HostStage.Introducing => [MessageKind.JobOffer, MessageKind.Ready, MessageKind.Refused],
        HostStage.Serving =>
            [MessageKind.Forked, MessageKind.Exited, MessageKind.ForkFailed, MessageKind.Pong, MessageKind.Refused],
        _ => [],
    };

    /// <summary>Checks a message that arrived.</summary>
    /// <exception cref="JobHostException">The stage does not allow it.</exception>
    public static void Check(HostStage stage, MessageKind kind)
    {
        ReadOnlySpan<MessageKind> allowed = Allowed(stage);
        if (!allowed.Contains(kind))
            throw new JobHostException($"it sent {Name(kind)}; this stage allows {string.Join(", ", allowed.ToArray())}");
    }

    private static string Name(MessageKind kind) => Enum.IsDefined(kind) ? kind.ToString() : $"a message of the unknown kind {(int)kind}";
}
