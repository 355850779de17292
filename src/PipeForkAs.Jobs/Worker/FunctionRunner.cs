using PipeForkAs.Jobs.Registration;
using PipeForkAs.Jobs.Runtime;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>Runs a function as the user that the worker has become.</summary>
internal static class FunctionRunner
{
    /// <summary>The worker's exit code if the function did not return one.</summary>
    private const int FailureCode = 1;

    /// <summary>Runs the order's function, and reports its exception to the daemon if it throws. Returns the worker's exit code.</summary>
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
#pragma warning disable CA1031 // Whatever the function throws, the client gets it.
        catch (Exception thrown)
#pragma warning restore CA1031
        {
            Exception cause = Failure.Cause(thrown);
            return Report(control, new Returned(ReturnKind.Threw, Failure.TypeName(cause), cause.Message, Failure.ErrnoOf(cause)));
        }
    }

    /// <summary>Creates the environment of the job.</summary>
    /// <exception cref="StepFailedException">The environment cannot be created.</exception>
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

    /// <summary>Sends the last message that the daemon trusts as the worker's: the user's code may have written any later message on the
    /// socket.
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

    /// <summary>Reports success, so that the daemon can send the reply at the end of the output. These descriptors end the output, and not
    /// the process: the kernel takes longer to tear down the process than many functions take to run.
    /// </summary>
    private static void ReportSuccess(FileDescriptor control, bool awaitsAnswer)
    {
        Report(control, new Returned(ReturnKind.Exited, "", ""));
        Libc.close_range(0, 2);
        if (awaitsAnswer)
            Libc.poll_readable(control, WorkerProtocol.AnswerPatienceMilliseconds, goOnAfterSignals: false);
    }

    /// <summary>Creates the context that the job's function gets.</summary>
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
