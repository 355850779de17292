using PipeForkAs.LibC;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>Puts the worker into the job's sandboxes. The worker has already become the user and has one thread: Landlock applies to the
/// calling thread and to the threads that it starts.
/// </summary>
internal static class SandboxEntry
{
    private const LandlockAccess Reading =
        LandlockAccess.LANDLOCK_ACCESS_FS_EXECUTE | LandlockAccess.LANDLOCK_ACCESS_FS_READ_FILE
        | LandlockAccess.LANDLOCK_ACCESS_FS_READ_DIR;

    /// <summary>The access rights that are valid for a file; the kernel refuses the others if the path is not a directory.</summary>
    private const LandlockAccess OfFiles =
        LandlockAccess.LANDLOCK_ACCESS_FS_EXECUTE | LandlockAccess.LANDLOCK_ACCESS_FS_READ_FILE
        | LandlockAccess.LANDLOCK_ACCESS_FS_WRITE_FILE
        | LandlockAccess.LANDLOCK_ACCESS_FS_TRUNCATE | LandlockAccess.LANDLOCK_ACCESS_FS_IOCTL_DEV;

    /// <summary>Devices without data that programs expect to exist.</summary>
    private static readonly string[] Devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

    /// <summary>Enters the sandboxes, as the last step before the job's code.</summary>
    /// <exception cref="StepFailedException">A sandbox cannot be created as requested; no code of the job may run.</exception>
    public static void Enter(WorkerOrder order)
    {
        bool restrictsCalls = false, restrictsFiles = false;
        try
        {
            foreach (Sandbox sandbox in order.Sandboxes)
            {
                restrictsCalls |= sandbox.RestrictsCalls;
                restrictsFiles |= sandbox.RestrictsFiles;
                if (sandbox.RestrictsFiles)
                    RestrictFiles(sandbox, order.Account.Home);
            }

            if (!restrictsCalls)
                return;
            if (!restrictsFiles)
                IsolateFromOtherProcesses();
        }
        catch (SystemCallException failure)
        {
            throw new StepFailedException(WorkerStep.Landlock, failure.Errno, failure.Message);
        }

        try
        {
            Libc.seccomp_set_filter(SeccompFilter.For(order.Sandboxes));
        }
        catch (SystemCallException failure)
        {
            throw new StepFailedException(WorkerStep.Seccomp, failure.Errno, failure.Message);
        }
    }

    /// <summary>Creates a domain that forbids no access to files, but forbids access to the user's processes outside it: ptrace(2),
    /// pidfd_getfd(2) and /proc/PID/mem, and signals if the kernel supports that. With these, the job could do in another process, or with
    /// its sockets, what the sandbox forbids.
    /// </summary>
    private static void IsolateFromOtherProcesses()
    {
        // Every domain that does not allow it forbids moving files between directories. A user cannot create block devices anyway.
        int version = Version();
        bool canAllowMoving = version >= 2;
        using FileDescriptor rules = Libc.landlock_create_ruleset(
            canAllowMoving ? LandlockAccess.LANDLOCK_ACCESS_FS_REFER : LandlockAccess.LANDLOCK_ACCESS_FS_MAKE_BLOCK,
            Scoped(version) & LandlockScope.LANDLOCK_SCOPE_SIGNAL);
        if (canAllowMoving)
        {
            using FileDescriptor root = Libc.open("/", OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
            Libc.landlock_add_path(rules, root, LandlockAccess.LANDLOCK_ACCESS_FS_REFER);
        }

        Libc.landlock_restrict_self(rules);
    }

    private static int Version()
    {
        int version = Libc.landlock_abi();
        return version > 0 ? version : throw new StepFailedException(WorkerStep.Landlock, Errno.ENOSYS, "the kernel has no Landlock");
    }

    private static void RestrictFiles(Sandbox sandbox, string home)
    {
        int version = Version();
        LandlockAccess all = Handled(version);
        using FileDescriptor rules = Libc.landlock_create_ruleset(all, Scoped(version));
        for (int i = 0; i < sandbox.ReadOnly.Count; i++)
        {
            using FileDescriptor path = Open(sandbox.ReadOnly[i], home);
            Allow(rules, path, Reading);
        }

        for (int i = 0; i < sandbox.ReadWrite.Count; i++)
        {
            using FileDescriptor path = Open(sandbox.ReadWrite[i], home);
            Allow(rules, path, all);
        }

        foreach (string device in Devices)
        {
            if (Libc.stat(device) is null)
                continue;
            using FileDescriptor path = Libc.open(device, OpenFlags.O_PATH);
            Allow(rules, path, all & OfFiles & ~LandlockAccess.LANDLOCK_ACCESS_FS_EXECUTE);
        }

        Libc.landlock_restrict_self(rules);
    }

    /// <summary>Opens a path. The user can change a path below the home directory, so no link may lead out of it.</summary>
    private static FileDescriptor Open(string path, string home)
    {
        if (path[0] != '~')
            return Libc.open(path, OpenFlags.O_PATH);
        FileDescriptor top = Libc.open(home, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
        if (path.Length <= 2)
            return top;
        using (top)
            return Libc.openat_beneath(top, path[2..], OpenFlags.O_PATH);
    }

    private static void Allow(FileDescriptor rules, FileDescriptor path, LandlockAccess access)
    {
        try
        {
            Libc.landlock_add_path(rules, path, access);
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.EINVAL && (access & ~OfFiles) != 0)
        {
            Libc.landlock_add_path(rules, path, access & OfFiles);
        }
    }

    /// <summary>The access rights that a Landlock version supports; it refuses unknown rights.</summary>
    private static LandlockAccess Handled(int version)
    {
        LandlockAccess all = (LandlockAccess)((1 << 13) - 1);
        if (version >= 2)
            all |= LandlockAccess.LANDLOCK_ACCESS_FS_REFER;
        if (version >= 3)
            all |= LandlockAccess.LANDLOCK_ACCESS_FS_TRUNCATE;
        if (version >= 5)
            all |= LandlockAccess.LANDLOCK_ACCESS_FS_IOCTL_DEV;
        return all;
    }

    /// <summary>What stays within the job: the job can signal only its own processes. The daemon is outside the domain and can still signal
    /// the job.
    /// </summary>
    private static LandlockScope Scoped(int version) =>
        version < Sandbox.SignalsVersion
            ? LandlockScope.None
            : LandlockScope.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LandlockScope.LANDLOCK_SCOPE_SIGNAL;
}
