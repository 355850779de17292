using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>Starts the program of a command job with pipes as standard streams. The worker then moves bytes between the pipes and its
/// sockets, and ends as the program ended: pipeforkas_pump.c.
/// </summary>
internal static class ProgramProcess
{
    /// <summary>The calls in the order of the indexes that pipeforkas_start_program reports.</summary>
    private static readonly (WorkerStep Step, string Call)[] Calls =
    [
        (WorkerStep.Pipes, "pipe2(O_CLOEXEC)"),
        (WorkerStep.Pipes, "fcntl(F_SETFL, O_NONBLOCK)"),
        (WorkerStep.Signals, "signalfd()"),
        (WorkerStep.Execute, "vfork()"),
        (WorkerStep.Session, "setsid()"),
        (WorkerStep.ParentDeathSignal, "prctl(PR_SET_PDEATHSIG, SIGKILL)"),
        (WorkerStep.ParentDeathSignal, "getppid()"),
        (WorkerStep.Pipes, "dup2()"),
        (WorkerStep.Signals, "sigaction()"),
        (WorkerStep.UnblockSignals, "sigprocmask()"),
        (WorkerStep.Execute, "execve()"),
    ];

    private const int Execve = 10;

    /// <summary>Runs the program. Returns only if it fails before the program runs.</summary>
    /// <param name="order">The order.</param>
    /// <param name="separatesStderr">Whether the worker's descriptors 1 and 2 are different streams.</param>
    /// <param name="control">The worker's control socket, which closes when the program runs.</param>
    /// <exception cref="StepFailedException">The program cannot be started.</exception>
    [DoesNotReturn]
    public static void Run(WorkerOrder order, bool separatesStderr, FileDescriptor control)
    {
        SandboxEntry.Enter(order);
        using (var arguments = new CStringArray(order.Command))
        using (var environment = new CStringArray(JobEnvironment.For(order)))
        {
            int errno = pipeforkas_start_program(arguments.Address, environment.Address, separatesStderr, out int call);
            if (errno != 0)
                throw Failure(order, call, new Errno(errno));
        }

        control.Dispose();
        pipeforkas_pump(order.GraceMilliseconds, order.OrphanGraceMilliseconds);
        throw new UnreachableException();
    }

    private static StepFailedException Failure(WorkerOrder order, int call, Errno errno)
    {
        string program = order.Command[0];
        if (call != Execve)
            return new StepFailedException(
                Calls[call].Step, errno, $"{Calls[call].Call} for the program: {errno}{TooManyProcesses(order, errno)}");
        string detail = $"execve(\"{program}\"): {errno}{TooManyProcesses(order, errno)}";
        if (Interpreter.Missing(program) is { } missing)
            detail = $"{missing}: {detail}";
        return new StepFailedException(WorkerStep.Execute, errno, detail);
    }

    /// <summary>Explains which limit is reached and for which user; empty if another reason is likely. fork(2), execve(2): EAGAIN.
    /// </summary>
    private static string TooManyProcesses(WorkerOrder order, Errno errno)
    {
        if (errno != Errno.EAGAIN)
            return "";
        string of = $"the user {order.Account.Name} (uid {order.Account.Uid})";

        // The limit has room for the worker, which PidsMax does not count.
        return order.Limits.Processes is { } most
            ? $"; {of} has more processes and threads than PidsMax allows ({most - 1}); without control groups, all of the user's count"
            : $"; the job, or {of}, has the maximum number of processes and threads (PidsMax, RLIMIT_NPROC "
                + $"{Libc.getrlimit(ResourceLimit.RLIMIT_NPROC).Soft})";
    }

#pragma warning disable SYSLIB1054 // LibraryImport generates code with pointers, which only LibC may contain; addresses are numbers.
    [DllImport("pipeforkas_runtime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int pipeforkas_start_program(
        nint arguments, nint environment, [MarshalAs(UnmanagedType.U1)] bool ownStderr, out int failedCall);

    [DllImport("pipeforkas_runtime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void pipeforkas_pump(long grace, long orphanGrace);
#pragma warning restore SYSLIB1054
}
