namespace PipeForkAs.LibC.Tests.Proof;

/// <summary>A structure of LibC and its original.</summary>
/// <param name="Type">The structure.</param>
/// <param name="CType">The type of its original.</param>
/// <param name="Members">Each field with the original's member.</param>
internal sealed record CStruct(Type Type, string CType, params (string Field, string Member)[] Members);

/// <summary>The structures that LibC passes to C.</summary>
internal static class CStructs
{
    /// <summary>Padding fields. The size of the structure and the offsets of the following fields prove them.</summary>
    public static readonly string[] Padding = ["padding", "rest", "__reserved", "__spare0", "__spare2"];

    public static readonly CStruct[] All =
    [
        new(typeof(Own.rlimit_t), "struct rlimit", ("soft", "rlim_cur"), ("hard", "rlim_max")),
        new(typeof(Own.landlock_path_beneath_attr), "struct landlock_path_beneath_attr",
            ("allowed_access", "allowed_access"), ("parent_fd", "parent_fd")),
        new(typeof(Own.sock_fprog), "struct sock_fprog", ("len", "len"), ("filter", "filter")),
        new(typeof(BpfInstruction), "struct sock_filter",
            ("<Code>k__BackingField", "code"), ("<IfTrue>k__BackingField", "jt"), ("<IfFalse>k__BackingField", "jf"),
            ("<Constant>k__BackingField", "k")),
        new(typeof(EpollEvent), "struct epoll_event", ("<Events>k__BackingField", "events"), ("<Data>k__BackingField", "data")),
        new(typeof(PollEntry), "struct pollfd", ("number", "fd"), ("events", "events"), ("returned", "revents")),
        new(typeof(Own.cap_user_header), "struct __user_cap_header_struct", ("version", "version"), ("pid", "pid")),
        new(typeof(Own.cap_user_data), "struct __user_cap_data_struct",
            ("effective", "effective"), ("permitted", "permitted"), ("inheritable", "inheritable")),
        new(typeof(Own.siginfo_t), "siginfo_t",
            ("si_signo", "si_signo"), ("si_errno", "si_errno"), ("si_code", "si_code"), ("si_pid", "si_pid"), ("si_uid", "si_uid"),
            ("si_status", "si_status")),
        new(typeof(Own.rusage), "struct rusage",
            ("utime_sec", "ru_utime.tv_sec"), ("utime_usec", "ru_utime.tv_usec"), ("stime_sec", "ru_stime.tv_sec"),
            ("stime_usec", "ru_stime.tv_usec"),
            ("maxrss", "ru_maxrss")),
        new(typeof(SignalSet), "sigset_t", ("bits", "__val[0]")),
        new(typeof(Own.passwd), "struct passwd",
            ("name", "pw_name"), ("password", "pw_passwd"), ("uid", "pw_uid"), ("gid", "pw_gid"), ("gecos", "pw_gecos"),
            ("home", "pw_dir"), ("shell", "pw_shell")),
        new(typeof(Own.spwd), "struct spwd",
            ("name", "sp_namp"), ("password", "sp_pwdp"), ("lastChange", "sp_lstchg"), ("minimum", "sp_min"), ("maximum", "sp_max"),
            ("warning", "sp_warn"),
            ("inactive", "sp_inact"), ("expires", "sp_expire"), ("flags", "sp_flag")),
        new(typeof(Own.group), "struct group", ("name", "gr_name"), ("password", "gr_passwd"), ("gid", "gr_gid"), ("members", "gr_mem")),

        // From include/uapi/linux/landlock.h of Linux 6.12 (version 6); installed headers may be older, with a shorter structure.
        new(typeof(Own.landlock_ruleset_attr), "struct { __u64 handled_access_fs; __u64 handled_access_net; __u64 scoped; }",
            ("handled_access_fs", "handled_access_fs"), ("handled_access_net", "handled_access_net"), ("scoped", "scoped")),

        // As in pam_conv(3); a build does not need the headers of libpam.
        new(typeof(Pam.pam_message), "struct { int msg_style; const char *msg; }", ("style", "msg_style"), ("text", "msg")),
        new(typeof(Pam.pam_response), "struct { char *resp; int resp_retcode; }", ("text", "resp"), ("code", "resp_retcode")),
        new(typeof(Pam.pam_conv), "struct { int (*function)(int, const void **, void **, void *); void *data; }",
            ("function", "function"), ("data", "data")),

        // Arrays of these are passed to C as arrays of plain numbers.
        new(typeof(GroupId), "struct { gid_t value; }", ("<Value>k__BackingField", "value")),
        new(typeof(UserId), "struct { uid_t value; }", ("<Value>k__BackingField", "value")),
        new(typeof(ProcessId), "struct { pid_t value; }", ("<Value>k__BackingField", "value")),
    ];

    /// <summary>Structures that C never sees.</summary>
    public static readonly Type[] Own =
    [
        typeof(Errno), typeof(Signal), typeof(IOResult), typeof(FileStatus), typeof(ResourceUsage), typeof(EndedChild),
            typeof(CapabilitySets),
        typeof(PeerCredentials), typeof(ProcessIds<>), typeof(Check.CallText), typeof(CString),
        typeof(Pam.Secret),
    ];
}
