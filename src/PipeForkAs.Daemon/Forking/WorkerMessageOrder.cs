using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// Defines which messages a worker may send in each stage. A message out of order ends the exchange before its content is read. A job can
/// write to the same socket, and must not pass as the worker that prepared it.
/// </summary>
internal static class WorkerMessageOrder
{
    /// <summary>Returns the messages that a stage allows.</summary>
    public static ReadOnlySpan<MessageKind> Allowed(WorkerStage stage) => stage switch
    {
        WorkerStage.Ready => [MessageKind.StepFailed],
        WorkerStage.Ordered => [MessageKind.Began, MessageKind.StepFailed, MessageKind.Consent],
        WorkerStage.Running => [MessageKind.Returned],
        _ => [],
    };
}
