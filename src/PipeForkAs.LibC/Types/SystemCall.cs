namespace PipeForkAs.LibC;

/// <summary>System calls by their numbers on x86-64; syscalls(2).</summary>
public enum SystemCall : uint
{
    /// <summary>Reads.</summary>
    SYS_read = 0,

    /// <summary>Waits for descriptors.</summary>
    SYS_poll = 7,

    /// <summary>Controls devices.</summary>
    SYS_ioctl = 16,

    /// <summary>Reads.</summary>
    SYS_readv = 19,

    /// <summary>Waits for a signal.</summary>
    SYS_pause = 34,

    /// <summary>Creates a socket.</summary>
    SYS_socket = 41,

    /// <summary>Receives data.</summary>
    SYS_recvfrom = 45,

    /// <summary>Receives data.</summary>
    SYS_recvmsg = 47,

    /// <summary>Creates two sockets.</summary>
    SYS_socketpair = 53,

    /// <summary>Creates processes and threads.</summary>
    SYS_clone = 56,

    /// <summary>Waits for a process.</summary>
    SYS_wait4 = 61,

    /// <summary>Traces other processes.</summary>
    SYS_ptrace = 101,

    /// <summary>Reads the kernel's log.</summary>
    SYS_syslog = 103,

    /// <summary>Waits for a signal.</summary>
    SYS_rt_sigtimedwait = 128,

    /// <summary>Waits for a signal.</summary>
    SYS_rt_sigsuspend = 130,

    /// <summary>Obsolete.</summary>
    SYS_uselib = 134,

    /// <summary>Obsolete.</summary>
    SYS_ustat = 136,

    /// <summary>Hangs up terminals.</summary>
    SYS_vhangup = 153,

    /// <summary>Sets up 16-bit segments.</summary>
    SYS_modify_ldt = 154,

    /// <summary>Mounts.</summary>
    SYS_pivot_root = 155,

    /// <summary>Obsolete.</summary>
    SYS__sysctl = 156,

    /// <summary>Sets the clock.</summary>
    SYS_adjtimex = 159,

    /// <summary>Changes the root directory.</summary>
    SYS_chroot = 161,

    /// <summary>Process accounting.</summary>
    SYS_acct = 163,

    /// <summary>Sets the clock.</summary>
    SYS_settimeofday = 164,

    /// <summary>Mounts.</summary>
    SYS_mount = 165,

    /// <summary>Mounts.</summary>
    SYS_umount2 = 166,

    /// <summary>Swap.</summary>
    SYS_swapon = 167,

    /// <summary>Swap.</summary>
    SYS_swapoff = 168,

    /// <summary>Restarts the machine.</summary>
    SYS_reboot = 169,

    /// <summary>The host name.</summary>
    SYS_sethostname = 170,

    /// <summary>The domain name.</summary>
    SYS_setdomainname = 171,

    /// <summary>Allows access to I/O ports.</summary>
    SYS_iopl = 172,

    /// <summary>Allows access to I/O ports.</summary>
    SYS_ioperm = 173,

    /// <summary>Kernel modules.</summary>
    SYS_init_module = 175,

    /// <summary>Kernel modules.</summary>
    SYS_delete_module = 176,

    /// <summary>Quotas.</summary>
    SYS_quotactl = 179,

    /// <summary>Removed from the kernel.</summary>
    SYS_nfsservctl = 180,

    /// <summary>Waits for another thread, or wakes one.</summary>
    SYS_futex = 202,

    /// <summary>Returns a path from the kernel.</summary>
    SYS_lookup_dcookie = 212,

    /// <summary>Sets the clock.</summary>
    SYS_clock_settime = 227,

    /// <summary>Places memory on nodes.</summary>
    SYS_mbind = 237,

    /// <summary>Loads another kernel.</summary>
    SYS_kexec_load = 246,

    /// <summary>Waits for a process.</summary>
    SYS_waitid = 247,

    /// <summary>Keyrings.</summary>
    SYS_add_key = 248,

    /// <summary>Keyrings.</summary>
    SYS_request_key = 249,

    /// <summary>Keyrings.</summary>
    SYS_keyctl = 250,

    /// <summary>Moves memory of other processes.</summary>
    SYS_migrate_pages = 256,

    /// <summary>Waits for descriptors.</summary>
    SYS_ppoll = 271,

    /// <summary>Leaves namespaces.</summary>
    SYS_unshare = 272,

    /// <summary>Moves bytes between descriptors.</summary>
    SYS_splice = 275,

    /// <summary>Moves memory of other processes.</summary>
    SYS_move_pages = 279,

    /// <summary>Performance counters of the kernel.</summary>
    SYS_perf_event_open = 298,

    /// <summary>Watches the files of other users.</summary>
    SYS_fanotify_init = 300,

    /// <summary>Sets limits of other processes; with RLIMIT_CPU the kernel kills them.</summary>
    SYS_prlimit64 = 302,

    /// <summary>Returns a handle for open_by_handle_at.</summary>
    SYS_name_to_handle_at = 303,

    /// <summary>Opens a file without a check of the directories above it.</summary>
    SYS_open_by_handle_at = 304,

    /// <summary>Sets the clock.</summary>
    SYS_clock_adjtime = 305,

    /// <summary>Enters namespaces.</summary>
    SYS_setns = 308,

    /// <summary>Reads the memory of other processes.</summary>
    SYS_process_vm_readv = 310,

    /// <summary>Writes the memory of other processes.</summary>
    SYS_process_vm_writev = 311,

    /// <summary>Compares resources of other processes.</summary>
    SYS_kcmp = 312,

    /// <summary>Kernel modules.</summary>
    SYS_finit_module = 313,

    /// <summary>Loads another kernel.</summary>
    SYS_kexec_file_load = 320,

    /// <summary>Loads programs into the kernel.</summary>
    SYS_bpf = 321,

    /// <summary>Handles page faults; attacks use it to win races in the kernel.</summary>
    SYS_userfaultfd = 323,

    /// <summary>Makes calls that no filter sees.</summary>
    SYS_io_uring_setup = 425,

    /// <summary>Makes calls that no filter sees.</summary>
    SYS_io_uring_enter = 426,

    /// <summary>Makes calls that no filter sees.</summary>
    SYS_io_uring_register = 427,

    /// <summary>Mounts.</summary>
    SYS_open_tree = 428,

    /// <summary>Mounts.</summary>
    SYS_move_mount = 429,

    /// <summary>Mounts.</summary>
    SYS_fsopen = 430,

    /// <summary>Mounts.</summary>
    SYS_fsconfig = 431,

    /// <summary>Mounts.</summary>
    SYS_fsmount = 432,

    /// <summary>Mounts.</summary>
    SYS_fspick = 433,

    /// <summary>Creates processes and threads; a filter cannot see its flags.</summary>
    SYS_clone3 = 435,

    /// <summary>Copies descriptors of other processes.</summary>
    SYS_pidfd_getfd = 438,

    /// <summary>Advises on the memory of other processes.</summary>
    SYS_process_madvise = 440,

    /// <summary>Mounts.</summary>
    SYS_mount_setattr = 442,

    /// <summary>Quotas.</summary>
    SYS_quotactl_fd = 443,
}
