using System.Globalization;
using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

/// <summary>Codes of the instructions of classic BPF that seccomp(2) filters use.</summary>
public enum BpfCode : ushort
{
    /// <summary>Loads 32 bits of the call's data.</summary>
    LoadWord = 0x20,

    /// <summary>Jumps if the value equals the constant.</summary>
    JumpIfEqual = 0x15,

    /// <summary>Jumps if the value is at least the constant.</summary>
    JumpIfAtLeast = 0x35,

    /// <summary>Jumps if the value and the constant have bits in common.</summary>
    JumpIfBits = 0x45,

    /// <summary>Keeps the bits of the value that are set in the constant.</summary>
    And = 0x54,

    /// <summary>Returns the constant.</summary>
    Return = 0x06,
}

/// <summary>The offsets in a call's data; seccomp(2). For arguments, the offset of the lower half, which calls use as an int.</summary>
public enum SeccompData : uint
{
    /// <summary>The call's number.</summary>
    Number = 0,

    /// <summary>The architecture whose table the number belongs to.</summary>
    Architecture = 4,

    /// <summary>The first argument.</summary>
    Argument0 = 16,

    /// <summary>The second argument.</summary>
    Argument1 = 24,
}

/// <summary>An instruction of classic BPF.</summary>
/// <param name="Code">The operation.</param>
/// <param name="IfTrue">How many instructions a jump skips if its condition is true.</param>
/// <param name="IfFalse">How many instructions a jump skips if its condition is false.</param>
/// <param name="Constant">The constant.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct BpfInstruction(BpfCode Code, byte IfTrue, byte IfFalse, uint Constant);

public static unsafe partial class Libc
{
    /// <summary>Return value of a filter: the kernel makes the call.</summary>
    public const uint SECCOMP_RET_ALLOW = 0x7fff0000;

    /// <summary>Return value of a filter: the call fails with the errno in the lower half.</summary>
    public const uint SECCOMP_RET_ERRNO = 0x00050000;

    /// <summary>Return value of a filter: the kernel kills the process.</summary>
    public const uint SECCOMP_RET_KILL_PROCESS = 0x80000000;

    /// <summary>The architecture of 64-bit calls.</summary>
    public const uint AUDIT_ARCH_X86_64 = 0xC000003E;

    /// <summary>This bit in a call's number selects the table of x32, which a filter sees as x86-64.</summary>
    public const uint X32_SYSCALL_BIT = 0x40000000;

    /// <summary>Pushes input into a terminal; ioctl_tty(2).</summary>
    public static uint TIOCSTI => (uint)C.TIOCSTI;

    /// <summary>Pastes into a console, among other functions; ioctl_console(2).</summary>
    public static uint TIOCLINUX => (uint)C.TIOCLINUX;

    /// <summary>Local sockets; unix(7).</summary>
    public const uint AF_UNIX_FAMILY = 1;

    /// <summary>The bits of socketpair(2)'s second argument that contain the type; the others are flags.</summary>
    public const uint SOCK_TYPE_MASK = 0xF;

    /// <summary>All flags of clone(2) and unshare(2) that create namespaces.</summary>
    public const uint CLONE_NEW_ANY = 0x7E020080;

    /// <summary>Flag of clone(2): the new process is a child of the caller's parent.</summary>
    public static uint CLONE_PARENT => (uint)C.CLONE_PARENT;

    /// <summary>seccomp(2) <c>SECCOMP_GET_ACTION_AVAIL</c>: whether the kernel supports filters with the actions used here.</summary>
    public static bool seccomp_available()
    {
        uint action = SECCOMP_RET_KILL_PROCESS;
        // SAFETY: the kernel reads 32 bits.
        return (int)Syscall(Own.SYS_seccomp, Own.SECCOMP_GET_ACTION_AVAIL, 0, (nint)(&action), 0, 0) == 0;
    }

    /// <summary>
    /// seccomp(2) <c>SECCOMP_SET_MODE_FILTER</c>, for all threads of the process. Needs no_new_privs. It cannot be undone.
    /// </summary>
    /// <param name="program">1 to 4096 instructions.</param>
    public static void seccomp_set_filter(ReadOnlySpan<BpfInstruction> program)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(program.Length, 4096, nameof(program));
        // SAFETY: the program is pinned for the call, and the call passes its length to the kernel.
        fixed (BpfInstruction* start = program)
        {
            var filter = new Own.sock_fprog { len = (ushort)program.Length, filter = start };
            int result = (int)Syscall(Own.SYS_seccomp, Own.SECCOMP_SET_MODE_FILTER, Own.SECCOMP_FILTER_FLAG_TSYNC, (nint)(&filter), 0, 0);

            // More than 0: the id of the thread that could not be synchronized.
            if (result > 0)
                throw new SystemCallException(
                    $"seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC): "
                    + $"thread {result.ToString(CultureInfo.InvariantCulture)} has other filters",
                    Errno.EINVAL);
            Check.Result(result, $"seccomp(SECCOMP_SET_MODE_FILTER)");
        }
    }
}
