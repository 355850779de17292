using System.Diagnostics;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Forking;

/// <summary>What a worker reported about itself.</summary>
internal readonly record struct WorkerReport
{
    /// <summary>The step that failed. Then all other properties are empty.</summary>
    public StepFailed? Failed { get; init; }

    /// <summary>
    /// The result if the worker had to ask for the user's consent instead of running a job. Then all other properties are empty.
    /// </summary>
    public ConsentAnswer? Consent { get; init; }

    /// <summary>Whether the worker became the user and the function began. The worker of a command does not report this.</summary>
    public bool Began { get; init; }

    /// <summary>How the function ended, as the job reports it.</summary>
    public Returned? Returned { get; init; }

    /// <summary>Returns the report with one more message of the worker, and the worker's next stage.</summary>
    /// <param name="message">The message.</param>
    /// <param name="stage">The worker's stage: it says which messages may come.</param>
    public (WorkerReport Report, WorkerStage Stage) With(ReadOnlySpan<byte> message, WorkerStage stage)
    {
        try
        {
            var reader = new MessageReader(message);
            if (!WorkerMessageOrder.Allowed(stage).Contains(reader.Kind))
                return (this, WorkerStage.Reported);
            switch (reader.Kind)
            {
                case MessageKind.Began:
                    reader.End();
                    return (new WorkerReport { Began = true }, WorkerStage.Running);
                case MessageKind.Returned:
                    return (this with { Returned = PipeForkAs.Protocol.Worker.Returned.Decode(ref reader) }, WorkerStage.Reported);
                case MessageKind.StepFailed:
                    return (new WorkerReport { Failed = StepFailed.Decode(ref reader) }, WorkerStage.Reported);
                case MessageKind.Consent:
                    return (new WorkerReport { Consent = ConsentAnswer.Decode(ref reader) }, WorkerStage.Reported);
                default:
                    throw new UnreachableException($"{nameof(WorkerMessageOrder)} allows {reader.Kind}, which nothing here takes");
            }
        }
        catch (FormatException)
        {
            return (this, WorkerStage.Reported);
        }
    }
}
