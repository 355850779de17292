namespace PipeForkAs.LibC.Tests.Proof;

/// <summary>A structure of LibC and its original.</summary>
/// <param name="Type">The structure.</param>
/// <param name="CType">Its original's type.</param>
/// <param name="Members">Each field with the original's member.</param>
internal sealed record CStruct(Type Type, string CType, params (string Field, string Member)[] Members);

/// <summary>The structures that LibC hands to C.</summary>
internal static class CStructs
{
    /// <summary>Fields that only take room. The structure's size and the offsets of what follows prove them.</summary>
    public static readonly string[] Padding = ["padding", "rest", "spare0", "spare1", "spare2", "accessBirthChange"];

    public static readonly CStruct[] All =
    [
        new(typeof(Libc.timespec), "struct timespec", ("seconds", "tv_sec"), ("nanoseconds", "tv_nsec")),
        new(typeof(Libc.rlimit_t), "struct rlimit", ("soft", "rlim_cur"), ("hard", "rlim_max")),
        new(typeof(Libc.open_how), "struct open_how", ("flags", "flags"), ("mode", "mode"), ("resolve", "resolve")),
        new(typeof(Libc.landlock_path_beneath_attr), "struct landlock_path_beneath_attr", ("allowed_access", "allowed_access"), ("parent_fd", "parent_fd")),
        new(typeof(Libc.sock_fprog), "struct sock_fprog", ("len", "len"), ("filter", "filter")),
        new(typeof(BpfInstruction), "struct sock_filter",
            ("<Code>k__BackingField", "code"), ("<IfTrue>k__BackingField", "jt"), ("<IfFalse>k__BackingField", "jf"), ("<Constant>k__BackingField", "k")),
        new(typeof(EpollEvent), "struct epoll_event", ("<Events>k__BackingField", "events"), ("<Data>k__BackingField", "data")),
        new(typeof(Libc.pollfd), "struct pollfd", ("fd", "fd"), ("events", "events"), ("revents", "revents")),
        new(typeof(Libc.cap_user_header), "struct __user_cap_header_struct", ("version", "version"), ("pid", "pid")),
        new(typeof(Libc.cap_user_data), "struct __user_cap_data_struct",
            ("effective", "effective"), ("permitted", "permitted"), ("inheritable", "inheritable")),
        new(typeof(Libc.siginfo_t), "siginfo_t",
            ("si_signo", "si_signo"), ("si_errno", "si_errno"), ("si_code", "si_code"), ("si_pid", "si_pid"), ("si_uid", "si_uid"), ("si_status", "si_status")),
        new(typeof(Libc.rusage), "struct rusage",
            ("utime_sec", "ru_utime.tv_sec"), ("utime_usec", "ru_utime.tv_usec"), ("stime_sec", "ru_stime.tv_sec"), ("stime_usec", "ru_stime.tv_usec"),
            ("maxrss", "ru_maxrss")),
        new(typeof(Libc.sigaction_t), "struct sigaction",
            ("handler", "sa_handler"), ("mask", "sa_mask"), ("flags", "sa_flags"), ("restorer", "sa_restorer")),
        new(typeof(SignalSet), "sigset_t", ("bits", "__val[0]")),
        new(typeof(Libc.sockaddr_un), "struct sockaddr_un", ("family", "sun_family"), ("path", "sun_path")),
        new(typeof(Libc.ucred), "struct ucred", ("pid", "pid"), ("uid", "uid"), ("gid", "gid")),
        new(typeof(Libc.iovec), "struct iovec", ("start", "iov_base"), ("length", "iov_len")),
        new(typeof(Libc.msghdr), "struct msghdr",
            ("name", "msg_name"), ("nameLength", "msg_namelen"), ("parts", "msg_iov"), ("partCount", "msg_iovlen"),
            ("control", "msg_control"), ("controlLength", "msg_controllen"), ("flags", "msg_flags")),
        new(typeof(Libc.cmsghdr), "struct cmsghdr", ("length", "cmsg_len"), ("level", "cmsg_level"), ("type", "cmsg_type")),
        new(typeof(Libc.passwd), "struct passwd",
            ("name", "pw_name"), ("password", "pw_passwd"), ("uid", "pw_uid"), ("gid", "pw_gid"), ("gecos", "pw_gecos"), ("home", "pw_dir"), ("shell", "pw_shell")),
        new(typeof(Libc.spwd), "struct spwd",
            ("name", "sp_namp"), ("password", "sp_pwdp"), ("lastChange", "sp_lstchg"), ("minimum", "sp_min"), ("maximum", "sp_max"), ("warning", "sp_warn"),
            ("inactive", "sp_inact"), ("expires", "sp_expire"), ("flags", "sp_flag")),
        new(typeof(Libc.group), "struct group", ("name", "gr_name"), ("password", "gr_passwd"), ("gid", "gr_gid"), ("members", "gr_mem")),
        new(typeof(statx_t), "struct statx",
            ("stx_mask", "stx_mask"), ("stx_blksize", "stx_blksize"), ("stx_attributes", "stx_attributes"), ("stx_nlink", "stx_nlink"),
            ("stx_uid", "stx_uid"), ("stx_gid", "stx_gid"), ("stx_mode", "stx_mode"), ("stx_ino", "stx_ino"), ("stx_size", "stx_size"),
            ("stx_blocks", "stx_blocks"), ("stx_attributes_mask", "stx_attributes_mask"), ("stx_mtime_sec", "stx_mtime.tv_sec"),
            ("stx_mtime_nsec", "stx_mtime.tv_nsec"), ("stx_rdev_major", "stx_rdev_major"), ("stx_rdev_minor", "stx_rdev_minor"),
            ("stx_dev_major", "stx_dev_major"), ("stx_dev_minor", "stx_dev_minor")),

        // As include/uapi/linux/landlock.h of Linux 6.12 has it (version 6); headers may be older, and their structure shorter.
        new(typeof(Libc.landlock_ruleset_attr), "struct { __u64 handled_access_fs; __u64 handled_access_net; __u64 scoped; }",
            ("handled_access_fs", "handled_access_fs"), ("handled_access_net", "handled_access_net"), ("scoped", "scoped")),

        // As pam_conv(3) declares it; libpam's headers are not among what a build needs.
        new(typeof(Pam.pam_conv), "struct { int (*function)(int, const void **, void **, void *); void *data; }", ("function", "function"), ("data", "data")),

        // Arrays of these are handed to C as arrays of its plain numbers.
        new(typeof(GroupId), "struct { gid_t value; }", ("<Value>k__BackingField", "value")),
        new(typeof(UserId), "struct { uid_t value; }", ("<Value>k__BackingField", "value")),
        new(typeof(ProcessId), "struct { pid_t value; }", ("<Value>k__BackingField", "value")),
    ];

    /// <summary>Structures that C never sees.</summary>
    public static readonly Type[] Own =
    [
        typeof(Errno), typeof(Signal), typeof(IOResult), typeof(FileStatus), typeof(ResourceUsage), typeof(EndedChild), typeof(CapabilitySets),
        typeof(PeerCredentials), typeof(ProcessIds<>), typeof(Check.CallText),
    ];
}
