using PipeForkAs.Jobs.Registration;
using PipeForkAs.Jobs.Runtime;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Forking;

/// <summary>Sends the list of jobs to the daemon. A forked child does this: deriving schemas fills caches and takes memory, which every
/// later fork would have to copy.
/// </summary>
internal static class HostIntroduction
{
    public static void Send(FileDescriptor control, JobCollection jobs) => HelperProcess.Run("the introduction", () =>
    {
        var writer = new MessageWriter(16 * 1024);
        new Hello(WorkerProtocol.Version).Encode(writer);
        Send(control, writer);
        foreach (Job job in jobs.Jobs)
        {
            string schema = job.ArgumentsSchema()?.ToJsonString() ?? "";
            if (AuditedArgumentNames.Problem(job, schema) is { } problem)
                throw new HostRefusedException(problem);
            new JobOffer(job.Name, job.Kind, job.Description, schema, job.Environment, job.Timeout, job.Sandboxes, job.AuditedArguments,
                job.UnsafeEnvironment).Encode(writer);
            if (writer.Written.Length > WorkerProtocol.DefaultBufferBytes)
                throw new HostRefusedException(
                    $"the description of the job {job.Name} and its arguments "
                    + $"has {writer.Written.Length} bytes, the maximum is {WorkerProtocol.DefaultBufferBytes}");
            Send(control, writer);
        }
    });

    private static void Send(FileDescriptor control, MessageWriter writer) => Libc.send(control, writer.Written).OrThrow("send(control)");
}
