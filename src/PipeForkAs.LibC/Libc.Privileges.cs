namespace PipeForkAs.LibC;

/// <summary>The capability sets of a thread, a bit for each capability; capabilities(7).</summary>
/// <param name="Effective">The capabilities that the kernel checks now.</param>
/// <param name="Permitted">The capabilities that the thread may make effective.</param>
/// <param name="Inheritable">The capabilities that pass across exec.</param>
public readonly record struct CapabilitySets(ulong Effective, ulong Permitted, ulong Inheritable)
{
    /// <summary>Empty sets.</summary>
    public static readonly CapabilitySets None;
}

public static unsafe partial class Libc
{
    /// <summary>capget(2) of the calling thread.</summary>
    public static CapabilitySets capget()
    {
        var header = new Own.cap_user_header { version = Own.LINUX_CAPABILITY_VERSION_3 };
        Own.cap_user_data* data = stackalloc Own.cap_user_data[2];
        // SAFETY: version 3 reads one header and writes two data blocks.
        Check.Result((int)Syscall(Own.SYS_capget, (nint)(&header), (nint)data, 0, 0, 0), $"capget()");
        return new(
            data[0].effective | ((ulong)data[1].effective << 32),
            data[0].permitted | ((ulong)data[1].permitted << 32),
            data[0].inheritable | ((ulong)data[1].inheritable << 32));
    }

    /// <summary>capset(2) of the calling thread.</summary>
    public static void capset(CapabilitySets sets)
    {
        var header = new Own.cap_user_header { version = Own.LINUX_CAPABILITY_VERSION_3 };
        Own.cap_user_data* data = stackalloc Own.cap_user_data[2];
        data[0] = new() { effective = (uint)sets.Effective, permitted = (uint)sets.Permitted, inheritable = (uint)sets.Inheritable };
        data[1] = new()
        {
            effective = (uint)(sets.Effective >> 32),
            permitted = (uint)(sets.Permitted >> 32),
            inheritable = (uint)(sets.Inheritable >> 32),
        };
        // SAFETY: version 3 reads one header and two data blocks.
        Check.Result((int)Syscall(Own.SYS_capset, (nint)(&header), (nint)data, 0, 0, 0), $"capset({sets})");
    }

    /// <summary>prctl(2) <c>PR_CAPBSET_READ</c>: whether a capability is in the bounding set; null if the kernel does not know the
    /// capability.
    /// </summary>
    public static bool? prctl_capbset_read(int capability)
    {
        int result = Own.prctl(Own.PR_CAPBSET_READ, (nuint)capability, 0, 0, 0);
        if (result == -1 && Check.LastErrno == Errno.EINVAL)
            return null;
        return Check.Result(result, $"prctl(PR_CAPBSET_READ, {capability})") == 1;
    }

    /// <summary>prctl(2) <c>PR_CAPBSET_DROP</c>.</summary>
    public static void prctl_capbset_drop(int capability) =>
        Check.Result(Own.prctl(Own.PR_CAPBSET_DROP, (nuint)capability, 0, 0, 0), $"prctl(PR_CAPBSET_DROP, {capability})");

    /// <summary>prctl(2) <c>PR_CAP_AMBIENT_CLEAR_ALL</c>.</summary>
    public static void prctl_cap_ambient_clear_all() =>
        Check.Result(
            Own.prctl(Own.PR_CAP_AMBIENT, Own.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0),
            $"prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)");

    /// <summary>prctl(2) <c>PR_SET_NO_NEW_PRIVS</c>: no exec grants privileges any more. It cannot be undone.</summary>
    public static void prctl_set_no_new_privs() =>
        Check.Result(Own.prctl(Own.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), $"prctl(PR_SET_NO_NEW_PRIVS, 1)");

    /// <summary>prctl(2) <c>PR_GET_NO_NEW_PRIVS</c>.</summary>
    public static bool prctl_get_no_new_privs() =>
        Check.Result(Own.prctl(Own.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), $"prctl(PR_GET_NO_NEW_PRIVS)") == 1;

    /// <summary>prctl(2) <c>PR_SET_DUMPABLE</c>: whether other processes with the same uid may trace the process, and whether it dumps
    /// core.
    /// </summary>
    public static void prctl_set_dumpable(bool dumpable) =>
        Check.Result(Own.prctl(Own.PR_SET_DUMPABLE, dumpable ? 1u : 0u, 0, 0, 0), $"prctl(PR_SET_DUMPABLE, {dumpable})");

    /// <summary>prctl(2) <c>PR_SET_PDEATHSIG</c>: the signal that the process gets when its parent ends.</summary>
    public static void prctl_set_pdeathsig(Signal signal) =>
        Check.Result(Own.prctl(Own.PR_SET_PDEATHSIG, (nuint)signal.Number, 0, 0, 0), $"prctl(PR_SET_PDEATHSIG, {signal})");

    /// <summary>
    /// prctl(2) <c>PR_SET_CHILD_SUBREAPER</c>: descendants whose parent ends become children of this process, not of init.
    /// </summary>
    public static void prctl_set_child_subreaper(bool isSubreaper) =>
        Check.Result(
            Own.prctl(Own.PR_SET_CHILD_SUBREAPER, isSubreaper ? 1u : 0u, 0, 0, 0), $"prctl(PR_SET_CHILD_SUBREAPER, {isSubreaper})");

    /// <summary>keyctl(2) <c>KEYCTL_JOIN_SESSION_KEYRING</c> without a name: a new, anonymous session keyring. Returns false if this
    /// process and its descendants can reach no keyring at all: the kernel has none, or a seccomp filter, as many containers have, forbids
    /// even the query for the current one.
    /// </summary>
    public static bool keyctl_join_session_keyring()
    {
        int result = (int)Syscall(Own.SYS_keyctl, Own.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
        if (result == -1 && (Check.LastErrno == Errno.ENOSYS || Check.LastErrno == Errno.EPERM))
        {
            Errno refused = Check.LastErrno;
            result = (int)Syscall(Own.SYS_keyctl, Own.KEYCTL_GET_KEYRING_ID, Own.KEY_SPEC_SESSION_KEYRING, 0, 0, 0);
            if (result == -1 && Check.LastErrno == refused)
                return false;
            throw new SystemCallException("keyctl(KEYCTL_JOIN_SESSION_KEYRING)", refused);
        }

        Check.Result(result, $"keyctl(KEYCTL_JOIN_SESSION_KEYRING)");
        return true;
    }
}
