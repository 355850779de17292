using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>A step of the change to the user failed: the job does not run.</summary>
internal sealed class StepFailedException(WorkerStep step, Errno errno, string detail) : Exception(detail)
{
    public WorkerStep Step { get; } = step;

    public Errno Errno { get; } = errno;
}
