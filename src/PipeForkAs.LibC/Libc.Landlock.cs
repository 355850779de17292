namespace PipeForkAs.LibC;

/// <summary>What landlock(7) allows below a path.</summary>
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

    /// <summary>Make a character device.</summary>
    LANDLOCK_ACCESS_FS_MAKE_CHAR = 1 << 6,

    /// <summary>Make a directory.</summary>
    LANDLOCK_ACCESS_FS_MAKE_DIR = 1 << 7,

    /// <summary>Make a file.</summary>
    LANDLOCK_ACCESS_FS_MAKE_REG = 1 << 8,

    /// <summary>Make a socket.</summary>
    LANDLOCK_ACCESS_FS_MAKE_SOCK = 1 << 9,

    /// <summary>Make a named pipe.</summary>
    LANDLOCK_ACCESS_FS_MAKE_FIFO = 1 << 10,

    /// <summary>Make a block device.</summary>
    LANDLOCK_ACCESS_FS_MAKE_BLOCK = 1 << 11,

    /// <summary>Make a symbolic link.</summary>
    LANDLOCK_ACCESS_FS_MAKE_SYM = 1 << 12,

    /// <summary>Link or rename between directories; from version 2 on, before which it is never allowed.</summary>
    LANDLOCK_ACCESS_FS_REFER = 1 << 13,

    /// <summary>Cut a file off; from version 3 on.</summary>
    LANDLOCK_ACCESS_FS_TRUNCATE = 1 << 14,

    /// <summary>ioctl(2) of a device; from version 5 on.</summary>
    LANDLOCK_ACCESS_FS_IOCTL_DEV = 1 << 15,
}

/// <summary>What landlock(7) keeps within the domain: what was made outside of it cannot be reached; from version 6 on.</summary>
[Flags]
public enum LandlockScope
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Connecting and sending to abstract sockets; unix(7).</summary>
    LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0,

    /// <summary>Signals to processes. Those from outside still come in.</summary>
    LANDLOCK_SCOPE_SIGNAL = 1 << 1,
}

public static unsafe partial class Libc
{
    /// <summary>
    /// landlock_create_ruleset(2) with <c>LANDLOCK_CREATE_RULESET_VERSION</c>: the version that the kernel speaks, 0 for none.
    /// </summary>
    public static int landlock_abi()
    {
        int version = (int)Syscall(Own.SYS_landlock_create_ruleset, 0, 0, Own.LANDLOCK_CREATE_RULESET_VERSION, 0, 0);
        if (version == -1 && (Check.LastErrno == Errno.ENOSYS || Check.LastErrno == Errno.EOPNOTSUPP))
            return 0;
        return Check.Result(version, $"landlock_create_ruleset(LANDLOCK_CREATE_RULESET_VERSION)");
    }

    /// <summary>landlock_create_ruleset(2): what <paramref name="handled"/> names is denied but where a rule allows it.</summary>
    /// <param name="handled">Only what the kernel's version knows.</param>
    /// <param name="scoped">What ends at the domain; nothing before version 6.</param>
    public static FileDescriptor landlock_create_ruleset(LandlockAccess handled, LandlockScope scoped)
    {
        var attributes = new Own.landlock_ruleset_attr { handled_access_fs = (ulong)handled, scoped = (ulong)scoped };
        // SAFETY: the kernel is told the structure's size; an older one takes members that it does not know where they are zero.
        return new(Check.Result(
            (int)Syscall(Own.SYS_landlock_create_ruleset, (nint)(&attributes), sizeof(Own.landlock_ruleset_attr), 0, 0, 0),
            $"landlock_create_ruleset({handled}, {scoped})"));
    }

    /// <summary>landlock_add_rule(2) with <c>LANDLOCK_RULE_PATH_BENEATH</c>.</summary>
    /// <param name="ruleset">The rules.</param>
    /// <param name="path">A file or a directory, with all that lies below it; may be opened with <c>O_PATH</c>.</param>
    /// <param name="allowed">What is allowed there.</param>
    public static void landlock_add_path(FileDescriptor ruleset, FileDescriptor path, LandlockAccess allowed)
    {
        var rule = new Own.landlock_path_beneath_attr { allowed_access = (ulong)allowed, parent_fd = path.Number };
        // SAFETY: the structure has the kernel's layout (checked by a test against the C compiler).
        Check.Result(
            (int)Syscall(Own.SYS_landlock_add_rule, ruleset.Number, Own.LANDLOCK_RULE_PATH_BENEATH, (nint)(&rule), 0, 0),
            $"landlock_add_rule({path}, {allowed})");
    }

    /// <summary>landlock_restrict_self(2): for the calling thread and what it starts. Needs no_new_privs. It cannot be undone.</summary>
    public static void landlock_restrict_self(FileDescriptor ruleset) =>
        Check.Result((int)Syscall(Own.SYS_landlock_restrict_self, ruleset.Number, 0, 0, 0, 0), $"landlock_restrict_self({ruleset})");
}
