using PipeForkAs.LibC;
using PipeForkAs.Protocol;

namespace PipeForkAs.Jobs.Worker;

/// <summary>Creates the seccomp filter of a job. A forbidden call fails with EPERM, as if the user had no right to it. clone3 fails with
/// ENOSYS, and libc then uses clone, whose flags a filter can check. A call through the table of another architecture ends the process.
/// </summary>
internal static class SeccompFilter
{
    private const uint NotPermitted = Libc.SECCOMP_RET_ERRNO | 1; // EPERM
    private const uint NotThere = Libc.SECCOMP_RET_ERRNO | 38; // ENOSYS
    private const uint NoSuchFamily = Libc.SECCOMP_RET_ERRNO | 97; // EAFNOSUPPORT

    /// <summary>Calls that act on other processes. Landlock also forbids them for processes outside the sandbox; the filter is a second
    /// barrier.
    /// </summary>
    private static readonly SystemCall[] CrossProcess =
    [
        SystemCall.SYS_ptrace, SystemCall.SYS_process_vm_readv, SystemCall.SYS_process_vm_writev, SystemCall.SYS_pidfd_getfd,
    ];

    private static readonly SystemCall[] Dangerous =
    [
        SystemCall.SYS_process_madvise, SystemCall.SYS_kcmp, SystemCall.SYS_add_key, SystemCall.SYS_request_key, SystemCall.SYS_keyctl,
        SystemCall.SYS_mount, SystemCall.SYS_umount2, SystemCall.SYS_pivot_root, SystemCall.SYS_move_mount, SystemCall.SYS_open_tree,
        SystemCall.SYS_fsopen, SystemCall.SYS_fsconfig, SystemCall.SYS_fsmount, SystemCall.SYS_fspick, SystemCall.SYS_mount_setattr,
        SystemCall.SYS_chroot, SystemCall.SYS_swapon, SystemCall.SYS_swapoff, SystemCall.SYS_quotactl, SystemCall.SYS_quotactl_fd,
        SystemCall.SYS_setns, SystemCall.SYS_bpf, SystemCall.SYS_perf_event_open, SystemCall.SYS_userfaultfd, SystemCall.SYS_io_uring_setup,
        SystemCall.SYS_io_uring_enter, SystemCall.SYS_io_uring_register, SystemCall.SYS_kexec_load, SystemCall.SYS_kexec_file_load,
        SystemCall.SYS_init_module, SystemCall.SYS_finit_module, SystemCall.SYS_delete_module, SystemCall.SYS_open_by_handle_at,
        SystemCall.SYS_name_to_handle_at, SystemCall.SYS_acct, SystemCall.SYS_reboot, SystemCall.SYS_settimeofday,
            SystemCall.SYS_clock_settime,
        SystemCall.SYS_clock_adjtime, SystemCall.SYS_adjtimex, SystemCall.SYS_sethostname, SystemCall.SYS_setdomainname,
            SystemCall.SYS_iopl,
        SystemCall.SYS_ioperm, SystemCall.SYS_syslog, SystemCall.SYS_vhangup, SystemCall.SYS_lookup_dcookie, SystemCall.SYS_modify_ldt,
        SystemCall.SYS_nfsservctl, SystemCall.SYS_uselib, SystemCall.SYS_ustat, SystemCall.SYS__sysctl, SystemCall.SYS_mbind,
        SystemCall.SYS_migrate_pages, SystemCall.SYS_move_pages, SystemCall.SYS_fanotify_init,
    ];

    /// <summary>Creates the filter that all sandboxes of a job require together.</summary>
    public static BpfInstruction[] For(IReadOnlyList<Sandbox> sandboxes)
    {
        bool profile = false, noNetwork = false, restrictsFiles = false;
        foreach (Sandbox sandbox in sandboxes)
        {
            profile |= sandbox.Seccomp == SeccompProfile.Default;
            noNetwork |= sandbox.NoNetwork;
            restrictsFiles |= sandbox.RestrictsFiles;
        }

        var program = new SeccompProgram(4 * Dangerous.Length);
        RefuseOtherTables(program);

        // Landlock confines signals; a call that sets RLIMIT_CPU of another process would be a way to send one.
        AllowOnly(program, SystemCall.SYS_prlimit64, 0, NotPermitted);
        if (profile || noNetwork)
        {
            foreach (SystemCall call in CrossProcess)
                Forbid(program, call, NotPermitted);
        }

        if (profile)
        {
            foreach (SystemCall call in Dangerous)
                Forbid(program, call, NotPermitted);
            Forbid(program, SystemCall.SYS_clone3, NotThere);

            // CLONE_PARENT would create a child of the job host. No ordinary program uses it.
            ForbidBits(program, SystemCall.SYS_clone, Libc.CLONE_NEW_ANY | Libc.CLONE_PARENT);
            ForbidBits(program, SystemCall.SYS_unshare, Libc.CLONE_NEW_ANY);
            ForbidValues(program, SystemCall.SYS_ioctl, Libc.TIOCSTI, Libc.TIOCLINUX);
        }

        // A service on this machine could do for the job what the sandbox forbids: this daemon can run another job, and the user's service
        // manager can run a program. So the job cannot create a socket that could connect to one. It can create pairs that stay connected
        // to each other.
        if (noNetwork)
        {
            Forbid(program, SystemCall.SYS_socket, NoSuchFamily);
            AllowOnly(program, SystemCall.SYS_socketpair, Libc.AF_UNIX_FAMILY, NoSuchFamily);
        }
        else if (restrictsFiles)
        {
            ForbidValue(program, SystemCall.SYS_socket, Libc.AF_UNIX_FAMILY, NoSuchFamily);
        }

        if (noNetwork || restrictsFiles)
        {
            // A datagram socket can send to any address and can be connected again, even if socketpair(2) created it. Calls through a ring
            // pass no filter.
            AllowConnectedPairs(program);
            Forbid(program, SystemCall.SYS_io_uring_setup, NotPermitted);
        }

        program.Return(Libc.SECCOMP_RET_ALLOW);
        return program.Assemble();
    }

    /// <summary>The numbers below are those of x86-64. Leaves the call's number loaded, as all the following checks do.</summary>
    private static void RefuseOtherTables(SeccompProgram program)
    {
        SeccompProgram.Label isNative = program.NewLabel(), isNotX32 = program.NewLabel();
        program.Load(SeccompData.Architecture);
        program.JumpIf(BpfCode.JumpIfEqual, Libc.AUDIT_ARCH_X86_64, isNative);
        program.Return(Libc.SECCOMP_RET_KILL_PROCESS);
        program.Place(isNative);
        program.Load(SeccompData.Number);
        program.JumpUnless(BpfCode.JumpIfAtLeast, Libc.X32_SYSCALL_BIT, isNotX32);
        program.Return(NotThere);
        program.Place(isNotX32);
    }

    private static void Forbid(SeccompProgram program, SystemCall call, uint answer)
    {
        SeccompProgram.Label otherCall = program.NewLabel();
        program.JumpUnless(BpfCode.JumpIfEqual, (uint)call, otherCall);
        program.Return(answer);
        program.Place(otherCall);
    }

    private static void ForbidBits(SeccompProgram program, SystemCall call, uint bits) =>
        ByArgument(
            program, call, SeccompData.Argument0, NotPermitted,
            isAllowed => program.JumpUnless(BpfCode.JumpIfBits, bits, isAllowed));

    private static void ForbidValue(SeccompProgram program, SystemCall call, uint value, uint answer) =>
        ByArgument(program, call, SeccompData.Argument0, answer, isAllowed => program.JumpUnless(BpfCode.JumpIfEqual, value, isAllowed));

    private static void AllowOnly(SeccompProgram program, SystemCall call, uint value, uint answer) =>
        ByArgument(program, call, SeccompData.Argument0, answer, isAllowed => program.JumpIf(BpfCode.JumpIfEqual, value, isAllowed));

    private static void ForbidValues(SeccompProgram program, SystemCall call, uint first, uint second) =>
        ByArgument(program, call, SeccompData.Argument1, NotPermitted, isAllowed =>
        {
            SeccompProgram.Label isForbidden = program.NewLabel();
            program.JumpIf(BpfCode.JumpIfEqual, first, isForbidden);
            program.JumpUnless(BpfCode.JumpIfEqual, second, isAllowed);
            program.Place(isForbidden);
        });

    private static void AllowConnectedPairs(SeccompProgram program) =>
        ByArgument(program, SystemCall.SYS_socketpair, SeccompData.Argument1, NotPermitted, isAllowed =>
        {
            program.Keep(Libc.SOCK_TYPE_MASK);
            program.JumpIf(BpfCode.JumpIfEqual, (uint)SocketType.SOCK_STREAM, isAllowed);
            program.JumpIf(BpfCode.JumpIfEqual, (uint)SocketType.SOCK_SEQPACKET, isAllowed);
        });

    /// <summary>Returns an error instead of making the call, unless the call's argument leads to the label that allows it.</summary>
    private static void ByArgument(
        SeccompProgram program, SystemCall call, SeccompData argument, uint answer, Action<SeccompProgram.Label> check)
    {
        SeccompProgram.Label otherCall = program.NewLabel(), isAllowed = program.NewLabel();
        program.JumpUnless(BpfCode.JumpIfEqual, (uint)call, otherCall);
        program.Load(argument);
        check(isAllowed);
        program.Return(answer);
        program.Place(isAllowed);
        program.Load(SeccompData.Number);
        program.Place(otherCall);
    }
}
