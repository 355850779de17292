using System.Globalization;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Requests;

/// <summary>The outcome of a job, based on what the daemon, the job host and the worker know.</summary>
/// <param name="Code">The reply code.</param>
/// <param name="Message">A message for people; null for <see cref="ReplyCode.Ok"/>.</param>
/// <param name="Error">The exception that the function threw, or the reason why the program cannot be executed.</param>
internal readonly record struct Outcome(ReplyCode Code, string? Message, JobError? Error = null)
{
    /// <summary>
    /// Determines the outcome. The daemon's own actions take precedence, then the kernel's report, then the worker's report.
    /// </summary>
    /// <param name="job">The job.</param>
    /// <param name="program">The program of a command; null for a function.</param>
    /// <param name="exited">How the worker ended; null if its job host died.</param>
    /// <param name="report">The worker's report about itself.</param>
    public static Outcome Of(RunningJob job, string? program, WorkerExited? exited, WorkerReport report)
    {
        switch (job.Reason)
        {
            case EndReason.Timeout:
                return new(
                    ReplyCode.Timeout,
                    string.Create(
                        CultureInfo.InvariantCulture, $"the job timed out after {job.Timeout.TotalSeconds:0.###} s and was killed"));
            case EndReason.Cancelled:
                return new(ReplyCode.Cancelled, "the client disconnected, so the job was cancelled");
            case EndReason.CancelAsked:
                return new(ReplyCode.Cancelled, "the job was cancelled by a request");
            case EndReason.OutputLimit:
                return new(
                    ReplyCode.OutputLimit, "the job exceeded OutputLimit and was killed; the reply contains the output up to the limit");
            case EndReason.ClientSentDescriptors:
                return new(
                    ReplyCode.Cancelled,
                    "the client sent descriptors with the job's input, so the job was killed; send only bytes");
            case EndReason.JobSentDescriptors:
                return new(ReplyCode.Cancelled, "the job sent descriptors with its output and was killed");
            case EndReason.HeldUp:
                return new(ReplyCode.Cancelled, "the job, or another job of its user, delayed the daemon and was killed");
            case EndReason.ShuttingDown:
                return new(ReplyCode.ShuttingDown, "the daemon is stopping, so the job was cancelled");
        }

        if (exited is not { } how)
            return new(ReplyCode.HostLost, "the job host died while the job ran; the job was not run again");
        if (report.Failed is { } failed)
            return Failed(failed, program);
        if (program is null && !report.Began && !how.BySignal)
            return new(
                ReplyCode.Internal,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the worker ended with {how.Value} before the job began and gave no reason; the job did not run"));
        if (how.BySignal)
            return new(ReplyCode.Signaled, $"{new Signal(how.Value)} terminated the job");

        return report.Returned switch
        {
            { Kind: ReturnKind.BadArguments } wrong => new(ReplyCode.BadArguments, wrong.Message),
            { Kind: ReturnKind.Threw } thrown => Threw(thrown),
            _ when how.Value == 0 => new(ReplyCode.Ok, null),
            _ => new(ReplyCode.Failed, string.Create(CultureInfo.InvariantCulture, $"the job exited with {how.Value}")),
        };
    }

    /// <summary>
    /// Returns the error as the job reports it. Only the worker can report that a program cannot be executed, before any code of the job
    /// runs.
    /// </summary>
    private static Outcome Threw(in Returned thrown)
    {
        string type = thrown.ExceptionType == JobError.CannotExecute ? "error" : thrown.ExceptionType;
        return new(
            ReplyCode.Error, $"{type}: {thrown.Message}", new JobError(type, thrown.Message, thrown.Errno == 0 ? null : thrown.Errno));
    }

    private static Outcome Failed(StepFailed failed, string? program)
    {
        if (failed.Step == WorkerStep.Execute && program is not null)
        {
            string message = $"the program \"{program}\" cannot be executed: {failed.Detail} [errno {failed.Errno}]";
            return new(ReplyCode.Error, message, new JobError(JobError.CannotExecute, failed.Detail, failed.Errno));
        }

        string errno = failed.Errno == 0 ? "" : $" [errno {failed.Errno}]";
        return new(
            ReplyCode.Internal,
            $"the worker could not become the user, so the job did not run: step {failed.Step}: {failed.Detail}{errno}");
    }
}
