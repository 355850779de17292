using System.Reflection;

namespace PipeForkAs.LibC.Tests.Proof;

/// <summary>The C names of constants of LibC with different names.</summary>
internal static class CNames
{
    public const string Headers =
        """
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <grp.h>
        #include <limits.h>
        #include <linux/capability.h>
        #include <linux/audit.h>
        #include <linux/filter.h>
        #include <linux/keyctl.h>
        #include <linux/landlock.h>
        #include <linux/openat2.h>
        #include <linux/seccomp.h>
        #include <poll.h>
        #include <pwd.h>
        #include <shadow.h>
        #include <signal.h>
        #include <spawn.h>
        #include <stddef.h>
        #include <stdio.h>
        #include <sys/epoll.h>
        #include <sys/eventfd.h>
        #include <sys/file.h>
        #include <sys/ioctl.h>
        #include <sys/mman.h>
        #include <sys/prctl.h>
        #include <sys/resource.h>
        #include <sys/signalfd.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <sys/syscall.h>
        #include <sys/uio.h>
        #include <sys/un.h>
        #include <sys/wait.h>
        #include <time.h>
        #include <unistd.h>

        // Headers may be older than the kernel.
        #ifndef LANDLOCK_ACCESS_FS_TRUNCATE
        #define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
        #endif
        #ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
        #define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
        #endif
        #ifndef LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET // as include/uapi/linux/landlock.h of Linux 6.12 has them
        #define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
        #define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
        #endif
        #ifndef SOCK_TYPE_MASK // the kernel's own, in its include/linux/net.h
        #define SOCK_TYPE_MASK 0xf
        #endif
        #ifndef SO_PEERPIDFD
        #define SO_PEERPIDFD 77
        #endif
        #ifndef SO_PASSRIGHTS // as include/uapi/asm-generic/socket.h of Linux 6.16 has it
        #define SO_PASSRIGHTS 83
        #endif

        """;

    /// <summary>Constants that the library chooses, with the reason.</summary>
    public static readonly IReadOnlyDictionary<string, string> Own = new Dictionary<string, string>
    {
        ["Own.Library"] = "the name by which the runtime finds libc",
        ["Libc.MaxMessageDescriptors"] = "chosen; Libc.ControlSize is proved against it",
        ["LookUp.FirstBytes"] = "chosen: the buffer with which a look-up begins",
        ["LookUp.MaxBytes"] = "chosen: where a look-up gives up",
        ["Own.PosixSpawnBufferSize"] = "chosen; a separate test proves that it is large enough",
        ["Pam.LibraryName"] = "the name by which the loader finds libpam",
        ["Pam.Success"] = "PAM_SUCCESS; libpam's headers are not among what a build needs, and its functions are proved end to end",
        ["Pam.Silent"] = "PAM_SILENT; the same",
        ["Pam.ConversationError"] = "PAM_CONV_ERR; the same",
        ["Pam.DisallowNullPassword"] = "PAM_DISALLOW_NULL_AUTHTOK; the same",
        ["Pam.ItemUser"] = "PAM_USER; the same",
        ["Pam.ItemTerminal"] = "PAM_TTY; the same",
        ["Pam.ItemRemoteUser"] = "PAM_RUSER; the same",
        ["Pam.PromptWithoutEcho"] = "PAM_PROMPT_ECHO_OFF; the same",
        ["Pam.ErrorMessage"] = "PAM_ERROR_MSG; the same",
        ["Pam.Information"] = "PAM_TEXT_INFO; the same",
        ["Pam.MaxMessages"] = "PAM_MAX_NUM_MSG; the same",
        ["PamStage.Start"] = "chosen",
        ["PamStage.Authentication"] = "chosen",
        ["PamStage.Account"] = "chosen",
        ["LandlockAccess.None"] = "0, for nothing",
        ["LandlockScope.None"] = "0, for nothing",
        ["Errno.None"] = "0, for no error",
    };

    private static readonly Dictionary<string, string> Different = new()
    {
        ["Libc.MaxSocketPath"] = "sizeof(((struct sockaddr_un *)0)->sun_path) - 1",
        ["Libc.ControlSize"] = $"CMSG_SPACE({Libc.MaxMessageDescriptors} * sizeof(int))",
        ["Own.LINUX_CAPABILITY_VERSION_3"] = "_LINUX_CAPABILITY_VERSION_3",
        ["Libc.X32_SYSCALL_BIT"] = "__X32_SYSCALL_BIT",
        ["Libc.AF_UNIX_FAMILY"] = "AF_UNIX",
        ["Libc.CLONE_NEW_ANY"] =
            "CLONE_NEWTIME | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET",
        ["BpfCode.LoadWord"] = "BPF_LD | BPF_W | BPF_ABS",
        ["BpfCode.JumpIfEqual"] = "BPF_JMP | BPF_JEQ | BPF_K",
        ["BpfCode.JumpIfAtLeast"] = "BPF_JMP | BPF_JGE | BPF_K",
        ["BpfCode.JumpIfBits"] = "BPF_JMP | BPF_JSET | BPF_K",
        ["BpfCode.And"] = "BPF_ALU | BPF_AND | BPF_K",
        ["BpfCode.Return"] = "BPF_RET | BPF_K",
        ["SeccompData.Number"] = "offsetof(struct seccomp_data, nr)",
        ["SeccompData.Architecture"] = "offsetof(struct seccomp_data, arch)",
        ["SeccompData.Argument0"] = "offsetof(struct seccomp_data, args[0])",
        ["SeccompData.Argument1"] = "offsetof(struct seccomp_data, args[1])",
        ["Signal.Max"] = "SIGRTMAX",
        ["FileStatus.BlockBytes"] = "S_BLKSIZE",
        ["FileKind.Fifo"] = "S_IFIFO",
        ["FileKind.CharacterDevice"] = "S_IFCHR",
        ["FileKind.Directory"] = "S_IFDIR",
        ["FileKind.BlockDevice"] = "S_IFBLK",
        ["FileKind.Regular"] = "S_IFREG",
        ["FileKind.SymbolicLink"] = "S_IFLNK",
        ["FileKind.Socket"] = "S_IFSOCK",
    };

    public static string Of(FieldInfo constant)
    {
        string key = Key(constant);
        return Different.TryGetValue(key, out string? expression) ? expression : constant.Name;
    }

    public static string Key(FieldInfo constant) => $"{constant.DeclaringType!.Name}.{constant.Name}";

    /// <summary>Names in the tables above without a constant.</summary>
    public static IEnumerable<string> Unused(IEnumerable<string> keys) => Own.Keys.Concat(Different.Keys).Except(keys);
}
