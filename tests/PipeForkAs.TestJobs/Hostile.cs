using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using PipeForkAs.Jobs;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;
using ChildProcess = System.Diagnostics.Process;

namespace PipeForkAs.TestJobs;

/// <param name="Text">The text to append, with a newline.</param>
/// <param name="Path">The file.</param>
/// <param name="Seconds">How long the job continues afterwards.</param>
internal sealed record AppendArguments(string Path, string Text, double Seconds = 0);

/// <param name="Pids">The processes to attack.</param>
/// <param name="Spare">Whether not to kill them.</param>
internal sealed record AttackArguments(IReadOnlyList<int> Pids, bool Spare = false);

/// <param name="Seconds">The lifetime of the leftover process.</param>
internal sealed record HoldArguments(int Seconds);

/// <param name="Count">The number of processes to create.</param>
/// <param name="Live">Whether they continue to run.</param>
internal sealed record SiblingArguments(int Count, bool Live);

/// <param name="Command">The program and its arguments.</param>
internal sealed record BecomeArguments(IReadOnlyList<string> Command);

/// <summary>Hostile jobs: they attack other processes, delay the daemon, and send it false messages.</summary>
internal static class Hostile
{
    private const OpenFlags O_APPEND = (OpenFlags)0x400;
    private const nint PTRACE_ATTACH = 16;
    private const nint PTRACE_SEIZE = 0x4206;
    private const nint PidfdGetfd = 438;
    private const nint Clone = 56;
    private const nint CLONE_PARENT = 0x8000;
    private const nint SIGCHLD = 17;

    /// <summary>Appends a complete line to a file, even with several writers: the proof of how often the job ran.</summary>
    public static int Append(AppendArguments arguments, JobContext context)
    {
        // FileMode.Append seeks to the end once, and another writer may move the end before the write.
        using (FileDescriptor file = Libc.open(arguments.Path, OpenFlags.O_WRONLY | O_APPEND))
            Libc.write(file, Encoding.UTF8.GetBytes($"{arguments.Text}\n")).OrThrow("write");
        Thread.Sleep(TimeSpan.FromSeconds(arguments.Seconds));
        context.Line(arguments.Text);
        return 0;
    }

    /// <summary>Executes a program, which is then a child of the job host, with the sockets of the daemon as standard streams.</summary>
    public static int Become(BecomeArguments arguments)
    {
        Libc.execve(arguments.Command[0], [.. arguments.Command], ["PATH=/usr/bin:/bin"]);
        return 1;
    }

    /// <summary>Stops itself, so that only SIGKILL has an effect.</summary>
    public static int StopSelf(JobContext context)
    {
        context.Line("stopping");
        Libc.kill(Libc.getpid(), new Signal(19));
        context.Line("continued");
        return 0;
    }

    /// <summary>Leaves a process in another session that keeps the control socket open, and sends nothing.</summary>
    public static int HoldControl(HoldArguments arguments, JobContext context)
    {
        var control = new FileDescriptor(WorkerProtocol.ControlDescriptor);
        Libc.dup2(control, 100); // Without close-on-exec.
        using ChildProcess child = ChildProcess.Start(
            "/bin/sh", ["-c", $"exec setsid sleep {arguments.Seconds} </dev/null >/dev/null 2>&1"]);

        // It has left the process group of the worker, which ends with the worker.
        while (File.ReadAllText($"/proc/{child.Id}/comm") != "sleep\n")
            Thread.Sleep(1);
        context.Line(child.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return 0;
    }

    /// <summary>Creates children of the job host: clone(2) with CLONE_PARENT.</summary>
    public static int MakeSiblings(SiblingArguments arguments, JobContext context)
    {
        for (int i = 0; i < arguments.Count; i++)
        {
            nint made = syscall(Clone, CLONE_PARENT | SIGCHLD, 0, 0);
            if (made == -1)
            {
                context.Line("refused");
                return 0;
            }

            if (made == 0 && !arguments.Live)
                Libc._exit(0);
            if (made == 0)
            {
                Libc.setsid();
                for (int stream = 0; stream <= 2; stream++)
                    new FileDescriptor(stream).Dispose();
                Libc.execve("/bin/sleep", ["sleep", "300"], []);
            }
        }

        context.Line("ready");
        return 0;
    }

    /// <summary>Reports a failed step, which only a worker before the change of ids may do.</summary>
    public static int ForgeStep(JobContext context)
    {
        var writer = new MessageWriter();
        new StepFailed(WorkerStep.Verify, 1, "forged\nfail: forged line").Encode(writer);
        Libc.send(new FileDescriptor(WorkerProtocol.ControlDescriptor), writer.Written);
        context.Line("done");
        return 0;
    }

    /// <summary>Reports success, closes its streams, and continues.</summary>
    public static int ClaimReturn(HoldArguments arguments, JobContext context)
    {
        context.Line(Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture));
        var writer = new MessageWriter();
        new Returned(ReturnKind.Exited, "", "").Encode(writer);
        Libc.send(new FileDescriptor(WorkerProtocol.ControlDescriptor), writer.Written);
        for (int stream = 0; stream <= 2; stream++)
            new FileDescriptor(stream).Dispose();
        Thread.Sleep(TimeSpan.FromSeconds(arguments.Seconds));
        return 0;
    }

    /// <summary>Signals and traces other processes, and prints which calls succeeded.</summary>
    public static int Attack(AttackArguments arguments, JobContext context)
    {
        List<Attempt> attempts = [];
        foreach (int pid in arguments.Pids.Where(pid => pid != Environment.ProcessId))
        {
            attempts.Add(Try($"kill({pid}, SIGSTOP)", () => Libc.kill(new ProcessId(pid), new Signal(19))));
            if (!arguments.Spare)
            {
                attempts.Add(Try($"kill({pid}, SIGKILL)", () => Libc.kill(new ProcessId(pid), Signal.SIGKILL)));
                attempts.Add(Try($"killpg({pid}, SIGKILL)", () => Libc.killpg(new ProcessId(pid), Signal.SIGKILL)));
            }

            attempts.Add(Trace("PTRACE_ATTACH", PTRACE_ATTACH, pid));
            attempts.Add(Trace("PTRACE_SEIZE", PTRACE_SEIZE, pid));
            attempts.Add(Try($"pidfd_getfd({pid})", () => CanCopyDescriptor(pid)));
            attempts.Add(Try($"open(/proc/{pid}/mem)", () => Opens($"/proc/{pid}/mem", OpenFlags.O_RDWR)));
            attempts.Add(Try($"open(/proc/{pid}/environ)", () => Opens($"/proc/{pid}/environ", OpenFlags.O_RDONLY)));
        }

        JsonSerializer.Serialize(context.Output, attempts, TestJson.Default.IReadOnlyListAttempt);
        context.Line("");
        return attempts.Any(attempt => attempt.Succeeded) ? 1 : 0;
    }

    private static bool Opens(string path, OpenFlags flags)
    {
        Libc.open(path, flags).Dispose();
        return true;
    }

    private static bool CanCopyDescriptor(int pid)
    {
        using FileDescriptor process = Libc.pidfd_open(new ProcessId(pid));
        return syscall(PidfdGetfd, process.Number, 0, 0) != -1;
    }

    private static Attempt Try(string what, Func<bool> call)
    {
        try
        {
            return call() ? new Attempt(what, true, null) : new Attempt(what, false, "there is none");
        }
        catch (SystemCallException failure)
        {
            return new Attempt(what, false, failure.Errno.ToString());
        }
    }

    private static Attempt Trace(string name, nint request, int pid) =>
        new($"ptrace({name}, {pid})", ptrace(request, pid, 0, 0) != -1, "errno of ptrace");

#pragma warning disable SYSLIB1054 // LibraryImport would need unsafe code; the function takes and returns only numbers.
    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint ptrace(nint request, nint pid, nint address, nint data);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint syscall(nint number, nint first, nint second, nint third);
#pragma warning restore SYSLIB1054
}
