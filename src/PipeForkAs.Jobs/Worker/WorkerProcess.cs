using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>
/// The life of a worker: prepare, wait for the order, become the user, run one job, exit. It never returns to the job host's code.
/// </summary>
internal static class WorkerProcess
{
    [DoesNotReturn]
    public static void Live(WorkerEnds ends, Parent jobHost, JobCollection jobs)
    {
        var change = new UserChange(jobHost, ends);
        try
        {
            change.Prepare();

            // A page that it writes to is copied at the first time: those of its way are copied while it waits, if it does.
            if (!Libc.poll_readable(change.Control, 0, goOnAfterSignals: false))
                WarmUp.Run();
            WorkerOrder? order = WaitForOrder(change.Control, out FileDescriptor? stderr);
            if (order is null)
                Libc._exit(0);

            if (order.ConsentFor is { } callers)
            {
                change.Become(order, stderr, mayGainPrivileges: false);
                var writer = new MessageWriter();
                ConsentFile.Ask(order.Account, order.Job, callers).Encode(writer);
                Libc.send(change.Control, writer.Written);
                Libc._exit(0);
            }

            Job? job = order.Command.Length > 0 ? null : jobs.Find(order.Job)
                ?? throw new StepFailedException(WorkerStep.Order, Errno.None, $"this job host holds no job \"{order.Job}\"");
            change.Become(order, stderr, mayGainPrivileges: job is { MayGainPrivileges: true } && order.Sandboxes.Length == 0);
            if (job is null)
                ProgramProcess.Run(order, separatesStderr: stderr is not null, change.Control);
            else
                Libc._exit(FunctionRunner.Run(order, job, change.Control));
        }
        catch (StepFailedException failure)
        {
            Report(change.Control, new StepFailed(failure.Step, failure.Errno.Value, failure.Message));
        }
#pragma warning disable CA1031 // The edge of the worker: no code of the job host's may run on in it, whatever failed.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Report(change.Control, new StepFailed(change.Step, 0, $"{failure.GetType().FullName}: {failure.Message}"));
        }
        finally
        {
            // Also where the report failed: nothing may unwind into the job host's own code, as which it might still be root.
            Libc._exit(1);
        }

        throw new UnreachableException();
    }

    /// <summary>Waits for the daemon. Null when it needs the worker no more, or is gone.</summary>
    private static WorkerOrder? WaitForOrder(FileDescriptor control, out FileDescriptor? stderr)
    {
        stderr = null;
        int size = Libc.next_message_size(control).OrThrow("recv(control, MSG_PEEK)");
        if (size == 0)
            return null;
        if (size > WorkerProtocol.MaxMessageBytes)
            throw new StepFailedException(WorkerStep.Order, Errno.EMSGSIZE, $"the order has {size} bytes");

        var message = new byte[size];
        var descriptors = new FileDescriptor?[1];
        IOResult received = Libc.recvmsg(control, message, descriptors, out _);
        if (received.Failed)
            throw new StepFailedException(WorkerStep.Order, received.Errno, "recvmsg(control)");

        var reader = new MessageReader(message.AsSpan(0, (int)received.Count));
        if (reader.Kind != MessageKind.WorkerOrder)
            throw new StepFailedException(WorkerStep.Order, Errno.None, $"a message of kind {(int)reader.Kind} is no order");
        stderr = descriptors[0];
        return WorkerOrder.Decode(ref reader);
    }

    private static void Report(FileDescriptor control, StepFailed failure)
    {
        var writer = new MessageWriter();
        failure.Encode(writer);
        Libc.send(control, writer.Written);
    }
}
