using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>
/// The messages that a worker may send in each stage of its life. A message out of order ends the conversation before its content is read:
/// a job, which can write to the same socket, must not pass for the worker that prepared it.
/// </summary>
internal static class WorkerMessageOrder
{
    /// <summary>The messages that a stage allows.</summary>
    public static ReadOnlySpan<MessageKind> Allowed(WorkerStage stage) => stage switch
    {
        WorkerStage.Waiting => [MessageKind.StepFailed],
        WorkerStage.Ordered => [MessageKind.Began, MessageKind.StepFailed, MessageKind.Consent],
        WorkerStage.Running => [MessageKind.Returned],
        _ => [],
    };
}
