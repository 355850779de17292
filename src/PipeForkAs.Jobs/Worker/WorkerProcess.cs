using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>The life of a worker: it prepares, waits for the order, becomes the user, runs one job, and exits. It never returns to the job
/// host's code.
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

            // The kernel copies a page at the first write: the worker touches the pages that it needs while it waits, if it has to wait.
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
                ?? throw new StepFailedException(WorkerStep.Order, Errno.None, $"this job host has no job \"{order.Job}\"");
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
#pragma warning disable CA1031 // The last frame of the worker: no code of the job host may run in it, whatever failed.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Report(change.Control, new StepFailed(change.Step, 0, $"{failure.GetType().FullName}: {failure.Message}"));
        }
        finally
        {
            // Also if the report failed: no exception may reach the job host's code, which might still run as root.
            Libc._exit(1);
        }

        throw new UnreachableException();
    }

    /// <summary>Waits for the order. Null if the daemon no longer needs the worker, or is gone.</summary>
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
            throw new StepFailedException(WorkerStep.Order, Errno.None, $"a message of kind {(int)reader.Kind} is not an order");
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
