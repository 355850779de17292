namespace PipeForkAs.LibC;

/// <summary>The access rights of landlock(7) below a path.</summary>
[Flags]
public enum LandlockAccess
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Execute a file.</summary>
    LANDLOCK_ACCESS_FS_EXECUTE = 1 << 0,

    /// <summary>Open a file for writing.</summary>
    LANDLOCK_ACCESS_FS_WRITE_FILE = 1 << 1,

    /// <summary>Open a file for reading.</summary>
    LANDLOCK_ACCESS_FS_READ_FILE = 1 << 2,

    /// <summary>List a directory.</summary>
    LANDLOCK_ACCESS_FS_READ_DIR = 1 << 3,

    /// <summary>Remove a directory.</summary>
    LANDLOCK_ACCESS_FS_REMOVE_DIR = 1 << 4,

    /// <summary>Remove a file.</summary>
    LANDLOCK_ACCESS_FS_REMOVE_FILE = 1 << 5,

    /// <summary>Create a character device.</summary>
    LANDLOCK_ACCESS_FS_MAKE_CHAR = 1 << 6,

    /// <summary>Create a directory.</summary>
    LANDLOCK_ACCESS_FS_MAKE_DIR = 1 << 7,

    /// <summary>Create a file.</summary>
    LANDLOCK_ACCESS_FS_MAKE_REG = 1 << 8,

    /// <summary>Create a socket.</summary>
    LANDLOCK_ACCESS_FS_MAKE_SOCK = 1 << 9,

    /// <summary>Create a named pipe.</summary>
    LANDLOCK_ACCESS_FS_MAKE_FIFO = 1 << 10,

    /// <summary>Create a block device.</summary>
    LANDLOCK_ACCESS_FS_MAKE_BLOCK = 1 << 11,

    /// <summary>Create a symbolic link.</summary>
    LANDLOCK_ACCESS_FS_MAKE_SYM = 1 << 12,

    /// <summary>Link or rename between directories; since version 2. Version 1 never allows it.</summary>
    LANDLOCK_ACCESS_FS_REFER = 1 << 13,

    /// <summary>Truncate a file; since version 3.</summary>
    LANDLOCK_ACCESS_FS_TRUNCATE = 1 << 14,

    /// <summary>ioctl(2) of a device; since version 5.</summary>
    LANDLOCK_ACCESS_FS_IOCTL_DEV = 1 << 15,
}

/// <summary>What landlock(7) confines to the domain: objects from outside the domain are not reachable; since version 6.</summary>
[Flags]
public enum LandlockScope
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Connecting and sending to abstract sockets; unix(7).</summary>
    LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0,

    /// <summary>Signals to processes. Signals from outside still arrive.</summary>
    LANDLOCK_SCOPE_SIGNAL = 1 << 1,
}

public static unsafe partial class Libc
{
    /// <summary>landlock_create_ruleset(2) with <c>LANDLOCK_CREATE_RULESET_VERSION</c>: the version that the kernel supports, 0 for none.
    /// </summary>
    public static int landlock_abi()
    {
        int version = (int)Syscall(Own.SYS_landlock_create_ruleset, 0, 0, Own.LANDLOCK_CREATE_RULESET_VERSION, 0, 0);
        if (version == -1 && (Check.LastErrno == Errno.ENOSYS || Check.LastErrno == Errno.EOPNOTSUPP))
            return 0;
        return Check.Result(version, $"landlock_create_ruleset(LANDLOCK_CREATE_RULESET_VERSION)");
    }

    /// <summary>landlock_create_ruleset(2): denies the rights in <paramref name="handled"/> unless a rule allows them.</summary>
    /// <param name="handled">Only rights that the kernel's version supports.</param>
    /// <param name="scoped">What is confined to the domain; none before version 6.</param>
    public static FileDescriptor landlock_create_ruleset(LandlockAccess handled, LandlockScope scoped)
    {
        var attributes = new Own.landlock_ruleset_attr { handled_access_fs = (ulong)handled, scoped = (ulong)scoped };
        // SAFETY: the call passes the structure's size to the kernel; an older kernel accepts unknown members if they are zero.
        return new(Check.Result(
            (int)Syscall(Own.SYS_landlock_create_ruleset, (nint)(&attributes), sizeof(Own.landlock_ruleset_attr), 0, 0, 0),
            $"landlock_create_ruleset({handled}, {scoped})"));
    }

    /// <summary>landlock_add_rule(2) with <c>LANDLOCK_RULE_PATH_BENEATH</c>.</summary>
    /// <param name="ruleset">The ruleset.</param>
    /// <param name="path">A file or a directory, with everything below it; may be opened with <c>O_PATH</c>.</param>
    /// <param name="allowed">The allowed rights.</param>
    public static void landlock_add_path(FileDescriptor ruleset, FileDescriptor path, LandlockAccess allowed)
    {
        var rule = new Own.landlock_path_beneath_attr { allowed_access = (ulong)allowed, parent_fd = path.Number };
        // SAFETY: the structure has the kernel's layout (a test checks this against the C compiler).
        Check.Result(
            (int)Syscall(Own.SYS_landlock_add_rule, ruleset.Number, Own.LANDLOCK_RULE_PATH_BENEATH, (nint)(&rule), 0, 0),
            $"landlock_add_rule({path}, {allowed})");
    }

    /// <summary>landlock_restrict_self(2): for the calling thread and those that it starts. Needs no_new_privs. It cannot be undone.
    /// </summary>
    public static void landlock_restrict_self(FileDescriptor ruleset) =>
        Check.Result((int)Syscall(Own.SYS_landlock_restrict_self, ruleset.Number, 0, 0, 0, 0), $"landlock_restrict_self({ruleset})");
}
