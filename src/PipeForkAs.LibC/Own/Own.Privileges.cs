using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

internal static unsafe partial class Own
{
    internal const uint LINUX_CAPABILITY_VERSION_3 = 0x20080522;
    internal const int PR_SET_PDEATHSIG = 1;
    internal const int PR_SET_DUMPABLE = 4;
    internal const int PR_CAPBSET_READ = 23;
    internal const int PR_CAPBSET_DROP = 24;
    internal const int PR_SET_CHILD_SUBREAPER = 36;
    internal const int PR_SET_NO_NEW_PRIVS = 38;
    internal const int PR_GET_NO_NEW_PRIVS = 39;
    internal const int PR_CAP_AMBIENT = 47;
    internal const int PR_CAP_AMBIENT_CLEAR_ALL = 4;
    internal const nint KEYCTL_GET_KEYRING_ID = 0;
    internal const nint KEYCTL_JOIN_SESSION_KEYRING = 1;
    internal const nint KEY_SPEC_SESSION_KEYRING = -3;
    internal const nint LANDLOCK_CREATE_RULESET_VERSION = 1;
    internal const nint LANDLOCK_RULE_PATH_BENEATH = 1;
    internal const nint SECCOMP_SET_MODE_FILTER = 1;
    internal const nint SECCOMP_GET_ACTION_AVAIL = 2;
    internal const nint SECCOMP_FILTER_FLAG_TSYNC = 1;

    [StructLayout(LayoutKind.Sequential)]
    internal struct cap_user_header
    {
        public uint version;
        public int pid;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct cap_user_data
    {
        public uint effective;
        public uint permitted;
        public uint inheritable;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct landlock_ruleset_attr
    {
        public ulong handled_access_fs;
        public ulong handled_access_net;
        public ulong scoped;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    internal struct landlock_path_beneath_attr
    {
        public ulong allowed_access;
        public int parent_fd;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct sock_fprog
    {
        public ushort len;
        public BpfInstruction* filter;
    }

    [LibraryImport(Library, EntryPoint = "prctl", SetLastError = true)]
    internal static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);
}
