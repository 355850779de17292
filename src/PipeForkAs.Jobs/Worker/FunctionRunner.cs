using PipeForkAs.Jobs.Registration;
using PipeForkAs.Jobs.Runtime;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>Runs a function as the user that the worker has become.</summary>
internal static class FunctionRunner
{
    /// <summary>The worker's exit code where the function did not return one.</summary>
    private const int FailureCode = 1;

    /// <summary>Runs the order's function and tells the daemon where it threw. Returns the worker's exit code.</summary>
    public static int Run(WorkerOrder order, Job job, FileDescriptor control)
    {
        SetEnvironment(order);
        SandboxEntry.Enter(order);
        UnblockSignals();
        RuntimeThreads.AllowFinalizerThread();
        Begin(control);

        try
        {
            int code = job.Invoke(Context(order));
            if (code == 0)
                ReportSuccess(control, order.AwaitsAnswer);
            return code;
        }
        catch (JobArgumentsException wrong)
        {
            return Report(control, new Returned(ReturnKind.BadArguments, "", wrong.Message));
        }
#pragma warning disable CA1031 // The function's edge: whatever it throws is the client's to know.
        catch (Exception thrown)
#pragma warning restore CA1031
        {
            Exception cause = Failure.Cause(thrown);
            return Report(control, new Returned(ReturnKind.Threw, Failure.TypeName(cause), cause.Message, Failure.ErrnoOf(cause)));
        }
    }

    /// <summary>Makes the environment that the job sees.</summary>
    /// <exception cref="StepFailedException">It cannot be made.</exception>
    public static void SetEnvironment(WorkerOrder order)
    {
        try
        {
            Libc.set_environment(JobEnvironment.For(order));
        }
        catch (SystemCallException failure)
        {
            throw new StepFailedException(WorkerStep.Environment, failure.Errno, failure.Message);
        }
    }

    private static void UnblockSignals()
    {
        try
        {
            Libc.sigmask_set(SignalSet.Empty);
        }
        catch (SystemCallException failure)
        {
            throw new StepFailedException(WorkerStep.UnblockSignals, failure.Errno, failure.Message);
        }
    }

    /// <summary>
    /// The last word that the daemon takes for the worker's: whatever comes behind it on the socket, a user's code may have written.
    /// </summary>
    private static void Begin(FileDescriptor control)
    {
        try
        {
            Libc.send(control, [(byte)MessageKind.Began]).OrThrow("send(control, Began)");
        }
        catch (SystemCallException failure)
        {
            throw new StepFailedException(WorkerStep.Runtime, failure.Errno, failure.Message);
        }
    }

    /// <summary>
    /// The daemon may answer the client with the end of the output: that comes with these descriptors, and not with the process,
    /// which takes longer to be taken down than many a function to run.
    /// </summary>
    private static void ReportSuccess(FileDescriptor control, bool awaitsAnswer)
    {
        Report(control, new Returned(ReturnKind.Exited, "", ""));
        Libc.close_range(0, 2);
        if (awaitsAnswer)
            Libc.poll_readable(control, WorkerProtocol.AnswerPatienceMilliseconds, goOnAfterSignals: false);
    }

    /// <summary>What the job's function is given.</summary>
    public static JobContext Context(WorkerOrder order)
    {
        Account account = order.Account;
        var user = new JobUser(account.Name, account.Uid, account.Gid, account.Groups, account.Home, account.Shell)
        {
            GroupName = account.GroupName,
        };
        return new JobContext(
            user, order.Arguments,
            static termination => new DescriptorStream(new FileDescriptor(0), FileAccess.Read, termination),
            static termination => new DescriptorStream(new FileDescriptor(1), FileAccess.Write, termination),
            static termination => new DescriptorStream(new FileDescriptor(2), FileAccess.Write, termination));
    }

    private static int Report(FileDescriptor control, Returned message)
    {
        var writer = new MessageWriter(64);
        message.Encode(writer);
        Libc.send(control, writer.Written);
        return FailureCode;
    }
}
