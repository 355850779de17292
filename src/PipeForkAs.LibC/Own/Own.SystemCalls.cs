namespace PipeForkAs.LibC;

/// <summary>Numbers of system calls for syscall(2), as on x86-64; the package has only those of asynchronous input and output.</summary>
internal static unsafe partial class Own
{
    internal const nint SYS_capget = 125;
    internal const nint SYS_capset = 126;
    internal const nint SYS_getdents64 = 217;
    internal const nint SYS_waitid = 247;
    internal const nint SYS_keyctl = 250;
    internal const nint SYS_seccomp = 317;
    internal const nint SYS_pidfd_send_signal = 424;
    internal const nint SYS_pidfd_open = 434;
    internal const nint SYS_openat2 = 437;
    internal const nint SYS_pidfd_getfd = 438;
    internal const nint SYS_landlock_create_ruleset = 444;
    internal const nint SYS_landlock_add_rule = 445;
    internal const nint SYS_landlock_restrict_self = 446;
}
