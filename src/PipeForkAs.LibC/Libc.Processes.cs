namespace PipeForkAs.LibC;

/// <summary>A child of the calling process that has ended.</summary>
/// <param name="Pid">The process id. It stays in use until the child is reaped.</param>
/// <param name="Status">How the child ended.</param>
/// <param name="Usage">The resources that the child and the descendants that it waited for used.</param>
public readonly record struct EndedChild(ProcessId Pid, WaitStatus Status, ResourceUsage Usage);

public static unsafe partial class Libc
{
    /// <summary>fork(2), through libc: libc repairs its locks and its list of threads in the child; a raw clone(2) leaves them broken.
    /// Returns null in the child.
    /// </summary>
    public static ProcessId? fork()
    {
        int pid = Check.Result(C.fork(), $"fork()");
        return pid == 0 ? null : new ProcessId(pid);
    }

    /// <summary>_exit(2): ends the process at once, without handlers.</summary>
    /// <param name="code">0 to 255.</param>
    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    public static void _exit(int code)
    {
        C._exit(code);
        throw new InvalidOperationException("_exit returned");
    }

    /// <summary>getpid(2).</summary>
    public static ProcessId getpid() => new(C.getpid());

    /// <summary>getppid(2).</summary>
    public static ProcessId getppid() => new(C.getppid());

    /// <summary>setsid(2): a new session and process group, without a terminal.</summary>
    public static void setsid() => Check.Result(C.setsid(), $"setsid()");

    /// <summary>getsid(2): the session of a process; null if there is no process with this id.</summary>
    public static ProcessId? getsid(ProcessId pid)
    {
        int result = C.getsid(pid.Value);
        if (result == -1 && Check.LastErrno == Errno.ESRCH)
            return null;
        return new ProcessId(Check.Result(result, $"getsid({pid})"));
    }

    /// <summary>kill(2) of one process. Returns false if it is gone.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The process id is below 1: kill(2) would signal a group, or all processes.</exception>
    public static bool kill(ProcessId pid, Signal signal)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pid.Value, 1, nameof(pid));
        return Kill(pid.Value, signal);
    }

    /// <summary>kill(2) of a process group. Returns false if it is gone.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The group is below 2: 0 is the caller's own group, and kill(-1) signals every process.
    /// </exception>
    public static bool killpg(ProcessId group, Signal signal)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(group.Value, 2, nameof(group));
        return Kill(-group.Value, signal);
    }

    /// <summary>pidfd_open(2): a descriptor that refers to a process and becomes readable when the process ends.</summary>
    public static FileDescriptor pidfd_open(ProcessId pid) =>
        new(Check.Result((int)Syscall(Own.SYS_pidfd_open, pid.Value, 0, 0, 0, 0), $"pidfd_open({pid})"));

    /// <summary>pidfd_getfd(2): a duplicate of a descriptor of another process. Null if that process does not have it, or has ended.
    /// </summary>
    /// <param name="pidfd">The process.</param>
    /// <param name="number">The descriptor's number in that process.</param>
    public static FileDescriptor? pidfd_getfd(FileDescriptor pidfd, int number)
    {
        int result = (int)Syscall(Own.SYS_pidfd_getfd, pidfd.Number, number, 0, 0, 0);
        if (result == -1 && (Check.LastErrno == Errno.EBADF || Check.LastErrno == Errno.ESRCH))
            return null;
        return new(Check.Result(result, $"pidfd_getfd({pidfd}, {number})"));
    }

    /// <summary>pidfd_send_signal(2) of signal 0: whether the process still has its process id, alive or as a zombie.</summary>
    public static bool pidfd_is_there(FileDescriptor pidfd) => pidfd_send_signal(pidfd, new Signal(0));

    /// <summary>pidfd_send_signal(2). Returns false if the process has ended.</summary>
    public static bool pidfd_send_signal(FileDescriptor pidfd, Signal signal)
    {
        int result = (int)Syscall(Own.SYS_pidfd_send_signal, pidfd.Number, signal.Number, 0, 0, 0);
        if (result == -1 && Check.LastErrno == Errno.ESRCH)
            return false;
        Check.Result(result, $"pidfd_send_signal({pidfd}, {signal})");
        return true;
    }

    /// <summary>waitid(2) for one child with <c>WNOHANG | WNOWAIT</c>: the child stays a zombie, and its process id stays in use, until
    /// <see cref="reap(ProcessId)"/>. This uses the system call because libc's function does not return the resource usage. Null if the
    /// child has not ended.
    /// </summary>
    public static EndedChild? peek_ended(ProcessId pid) => WaitId(Own.P_PID, pid.Value, Own.WEXITED | Own.WNOHANG | Own.WNOWAIT);

    /// <summary>waitid(2) for one child: reaps it without waiting. Null if it has not ended.</summary>
    public static EndedChild? reap(ProcessId pid) => WaitId(Own.P_PID, pid.Value, Own.WEXITED | Own.WNOHANG);

    /// <summary>waitid(2) for the child that a pidfd refers to: reaps it. Null if it has not ended.</summary>
    public static EndedChild? reap(FileDescriptor pidfd) => WaitId(Own.P_PIDFD, pidfd.Number, Own.WEXITED | Own.WNOHANG);

    /// <summary>waitid(2) for any child that has ended, with <c>WNOHANG | WNOWAIT</c>: it stays a zombie, and its process id stays in use,
    /// until <see cref="reap(ProcessId)"/>. Null if none has ended, or if there is no child.
    /// </summary>
    public static EndedChild? peek_any_ended() => WaitId(Own.P_ALL, 0, Own.WEXITED | Own.WNOHANG | Own.WNOWAIT);

    /// <summary>waitid(2) for one child: waits for its end and reaps it.</summary>
    public static EndedChild wait_for(ProcessId pid) => WaitId(Own.P_PID, pid.Value, Own.WEXITED)!.Value;

    /// <summary>execve(2). Returns only with an exception.</summary>
    /// <param name="path">The program.</param>
    /// <param name="arguments">The program's arguments, its name first; at least one.</param>
    /// <param name="environment">Each variable as NAME=VALUE.</param>
    public static void execve(string path, ReadOnlySpan<string> arguments, ReadOnlySpan<string> environment)
    {
        ArgumentOutOfRangeException.ThrowIfZero(arguments.Length);
        using var argv = new CStringArray(arguments);
        using var envp = new CStringArray(environment);
        // SAFETY: the path ends with a NUL, both arrays end with a null pointer, and all live until the call has failed; after a success
        // nothing here exists any more.
        using var name = new CString(path, stackalloc byte[CString.BufferSize]);
        Check.Result(C.execve(name.Pointer, argv.Pointer, envp.Pointer), $"execve(\"{path}\")");
    }

    /// <summary>posix_spawn(3): starts a program with no signal blocked, all signals at their default, in a new session. Of the caller's
    /// descriptors it inherits 0, 1 and 2 and those that <paramref name="descriptors"/> maps; all others must be close-on-exec.
    /// </summary>
    /// <param name="path">The program.</param>
    /// <param name="arguments">The program's arguments, its name first; at least one.</param>
    /// <param name="environment">Each variable as NAME=VALUE.</param>
    /// <param name="descriptors">The child's descriptor numbers, and the descriptor for each.</param>
    /// <param name="directory">The child's working directory; null for the caller's.</param>
    public static ProcessId posix_spawn(
        string path, ReadOnlySpan<string> arguments, ReadOnlySpan<string> environment,
        IReadOnlyList<(FileDescriptor Source, int Target)> descriptors, FileDescriptor? directory = null)
    {
        ArgumentOutOfRangeException.ThrowIfZero(arguments.Length);
        using var argv = new CStringArray(arguments);
        using var envp = new CStringArray(environment);
        using var sources = new SpawnSources(descriptors);
        // SAFETY: both opaque types are smaller than their buffers (a test checks this against the C compiler), are initialized before use
        // and destroyed after it.
        byte* actions = stackalloc byte[Own.PosixSpawnBufferSize];
        byte* attributes = stackalloc byte[Own.PosixSpawnBufferSize];
        Check.ErrorNumber(Own.posix_spawn_file_actions_init(actions), "posix_spawn_file_actions_init()");
        try
        {
            Check.ErrorNumber(Own.posix_spawnattr_init(attributes), "posix_spawnattr_init()");
            try
            {
                // First: a target may have the directory's number.
                if (directory is not null)
                    Check.ErrorNumber(
                        Own.posix_spawn_file_actions_addfchdir_np(actions, directory.Number), "posix_spawn_file_actions_addfchdir_np()");
                foreach ((FileDescriptor source, int target) in sources.Mapped)
                    Check.ErrorNumber(
                        Own.posix_spawn_file_actions_adddup2(actions, source.Number, target), "posix_spawn_file_actions_adddup2()");

                SignalSet none = SignalSet.Empty, all = SignalSet.WithLibcsOwn;
                Check.ErrorNumber(Own.posix_spawnattr_setsigmask(attributes, &none), "posix_spawnattr_setsigmask()");
                Check.ErrorNumber(Own.posix_spawnattr_setsigdefault(attributes, &all), "posix_spawnattr_setsigdefault()");
                Check.ErrorNumber(
                    Own.posix_spawnattr_setflags(
                        attributes, Own.POSIX_SPAWN_SETSIGMASK | Own.POSIX_SPAWN_SETSIGDEF | Own.POSIX_SPAWN_SETSID),
                    "posix_spawnattr_setflags()");
                int pid;
                Check.ErrorNumber(
                    Own.posix_spawn(&pid, Check.NoNul(path), actions, attributes, argv.Pointer, envp.Pointer), $"posix_spawn(\"{path}\")");
                return new ProcessId(pid);
            }
            finally
            {
                _ = Own.posix_spawnattr_destroy(attributes);
            }
        }
        finally
        {
            _ = Own.posix_spawn_file_actions_destroy(actions);
        }
    }

    private static bool Kill(int target, Signal signal)
    {
        int result = C.kill(target, signal.Number);
        if (result == -1 && Check.LastErrno == Errno.ESRCH)
            return false;
        Check.Result(result, $"kill({target}, {signal})");
        return true;
    }

    private static EndedChild? WaitId(int kind, int id, int options)
    {
        Own.siginfo_t info;
        Own.rusage usage;
        int result;
        do
        {
            info = default;
            // SAFETY: both structures have the kernel's size and layout (a test checks this against the C compiler).
            result = (int)Syscall(Own.SYS_waitid, kind, id, (nint)(&info), options | Own.__WALL, (nint)(&usage));
        }
        while (result == -1 && Check.LastErrno == Errno.EINTR);

        if (result == -1 && kind == Own.P_ALL && Check.LastErrno == Errno.ECHILD)
            return null;
        Check.Result(result, $"waitid({kind}, {id}, {options})");
        if (info.si_pid == 0)
            return null;

        WaitStatus status = info.si_code == C.CLD_EXITED
            ? new WaitStatus.Exited(info.si_status)
            : new WaitStatus.Signaled(new Signal(info.si_status));
        return new EndedChild(
            new ProcessId(info.si_pid), status,
            new ResourceUsage(
                new TimeSpan((usage.utime_sec * TimeSpan.TicksPerSecond) + (usage.utime_usec * TimeSpan.TicksPerMicrosecond)),
                new TimeSpan((usage.stime_sec * TimeSpan.TicksPerSecond) + (usage.stime_usec * TimeSpan.TicksPerMicrosecond)),
                usage.maxrss * 1024));
    }
}
