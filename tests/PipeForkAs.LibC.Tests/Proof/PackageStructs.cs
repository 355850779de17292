using Tmds.Linux;

namespace PipeForkAs.LibC.Tests.Proof;

/// <summary>The structures of Tmds.LibC that LibC passes to C, and their number types.</summary>
internal static class PackageStructs
{
    /// <summary>Structures whose members are proved like those of <see cref="CStructs"/>.</summary>
    public static readonly CStruct[] All =
    [
        new(typeof(timespec), "struct timespec", ("tv_sec", "tv_sec"), ("tv_nsec", "tv_nsec")),
        new(typeof(open_how), "struct open_how", ("flags", "flags"), ("mode", "mode"), ("resolve", "resolve")),
        new(typeof(epoll_event), "struct epoll_event", ("events", "events"), ("data", "data")),
        new(typeof(pollfd), "struct pollfd", (Property("fd"), "fd"), (Property("events"), "events"), (Property("revents"), "revents")),
        new(typeof(sigaction), "struct sigaction",
            ("__handler", "sa_handler"), ("sa_mask", "sa_mask"),
            (Property("sa_flags"), "sa_flags"), (Property("sa_restorer"), "sa_restorer")),
        new(typeof(sockaddr_un), "struct sockaddr_un", (Property("sun_family"), "sun_family"), ("sun_path", "sun_path")),
        new(typeof(sockaddr), "struct sockaddr", (Property("sa_family"), "sa_family"), ("_sa_data", "sa_data")),
        new(typeof(ucred), "struct ucred", (Property("pid"), "pid"), (Property("uid"), "uid"), (Property("gid"), "gid")),
        new(typeof(iovec), "struct iovec", (Property("iov_base"), "iov_base"), (Property("iov_len"), "iov_len")),
        new(typeof(msghdr), "struct msghdr",
            (Property("msg_name"), "msg_name"), (Property("msg_namelen"), "msg_namelen"),
            (Property("msg_iov"), "msg_iov"), ("_msg_iovlen", "msg_iovlen"),
            (Property("msg_control"), "msg_control"), ("_msg_controllen", "msg_controllen"), (Property("msg_flags"), "msg_flags")),
        new(typeof(cmsghdr), "struct cmsghdr",
            ("_cmsg_len", "cmsg_len"), (Property("cmsg_level"), "cmsg_level"), (Property("cmsg_type"), "cmsg_type")),
        new(typeof(statx_timestamp), "struct statx_timestamp", ("tv_sec", "tv_sec"), ("tv_nsec", "tv_nsec")),
        new(typeof(statx), "struct statx",
            ("stx_mask", "stx_mask"), ("stx_blksize", "stx_blksize"), ("stx_attributes", "stx_attributes"), ("stx_nlink", "stx_nlink"),
            ("stx_uid", "stx_uid"), ("stx_gid", "stx_gid"), ("stx_mode", "stx_mode"), ("stx_ino", "stx_ino"), ("stx_size", "stx_size"),
            ("stx_blocks", "stx_blocks"), ("stx_attributes_mask", "stx_attributes_mask"),
            ("stx_atime", "stx_atime"), ("stx_btime", "stx_btime"),
            ("stx_ctime", "stx_ctime"), ("stx_mtime", "stx_mtime"),
            ("stx_rdev_major", "stx_rdev_major"), ("stx_rdev_minor", "stx_rdev_minor"),
            ("stx_dev_major", "stx_dev_major"), ("stx_dev_minor", "stx_dev_minor")),
    ];

    /// <summary>Numbers, with their types in C.</summary>
    public static readonly (Type Type, string CType)[] Numbers =
    [
        (typeof(gid_t), "gid_t"), (typeof(long_t), "long"), (typeof(mode_t), "mode_t"), (typeof(off_t), "off_t"), (typeof(pid_t), "pid_t"),
        (typeof(sa_family_t), "sa_family_t"), (typeof(size_t), "size_t"), (typeof(socklen_t), "socklen_t"), (typeof(ssize_t), "ssize_t"),
        (typeof(syscall_arg), "long"), (typeof(time_t), "time_t"), (typeof(uid_t), "uid_t"),
    ];

    /// <summary>Types that only represent a pointer or a union; the proof of their structure proves their size.</summary>
    public static readonly Type[] Parts = [typeof(epoll_data_t), typeof(sigset_t)];

    private static string Property(string name) => $"<{name}>k__BackingField";
}
