using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

internal static unsafe partial class Own
{
    internal const int P_ALL = 0;
    internal const int P_PID = 1;
    internal const int P_PIDFD = 3;
    internal const int WNOHANG = 1;
    internal const int WEXITED = 4;
    internal const int WNOWAIT = 0x01000000;
    internal const int __WALL = 0x40000000; // Includes children whose exit signal is not SIGCHLD.
    internal const short POSIX_SPAWN_SETSIGDEF = 0x04;
    internal const short POSIX_SPAWN_SETSIGMASK = 0x08;
    internal const short POSIX_SPAWN_SETSID = 0x80;
    internal const int PosixSpawnBufferSize = 512;

    // The package's structure has si_code and si_errno in each other's place.
    [StructLayout(LayoutKind.Sequential)]
    internal struct siginfo_t
    {
        public int si_signo;
        public int si_errno;
        public int si_code;
        private readonly int padding;
        public int si_pid;
        public uint si_uid;
        public int si_status;
        private fixed byte rest[100];
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct rusage
    {
        public long utime_sec;
        public long utime_usec;
        public long stime_sec;
        public long stime_usec;
        public long maxrss;
        private fixed long rest[13];
    }

    [LibraryImport(Library, EntryPoint = "posix_spawn", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int posix_spawn(int* pid, string path, byte* actions, byte* attributes, byte** argv, byte** envp);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_init")]
    internal static partial int posix_spawn_file_actions_init(byte* actions);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_destroy")]
    internal static partial int posix_spawn_file_actions_destroy(byte* actions);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_adddup2")]
    internal static partial int posix_spawn_file_actions_adddup2(byte* actions, int source, int target);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_addfchdir_np")]
    internal static partial int posix_spawn_file_actions_addfchdir_np(byte* actions, int directory);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_init")]
    internal static partial int posix_spawnattr_init(byte* attributes);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_destroy")]
    internal static partial int posix_spawnattr_destroy(byte* attributes);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setflags")]
    internal static partial int posix_spawnattr_setflags(byte* attributes, short flags);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setsigmask")]
    internal static partial int posix_spawnattr_setsigmask(byte* attributes, SignalSet* mask);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setsigdefault")]
    internal static partial int posix_spawnattr_setsigdefault(byte* attributes, SignalSet* signals);
}
