using System.Globalization;

namespace PipeForkAs.LibC;

/// <summary>An error number of the kernel as on x86-64; errno(3).</summary>
/// <param name="Value">The number, 0 for none.</param>
public readonly record struct Errno(int Value)
{
    /// <summary>No error.</summary>
    public static readonly Errno None = new(0);

    /// <summary>Operation not permitted.</summary>
    public static readonly Errno EPERM = new(1);

    /// <summary>No such file or directory.</summary>
    public static readonly Errno ENOENT = new(2);

    /// <summary>No such process.</summary>
    public static readonly Errno ESRCH = new(3);

    /// <summary>Interrupted by a signal.</summary>
    public static readonly Errno EINTR = new(4);

    /// <summary>Input/output error; also a read from a terminal by a process in the background that ignores SIGTTIN.</summary>
    public static readonly Errno EIO = new(5);

    /// <summary>Argument list too long.</summary>
    public static readonly Errno E2BIG = new(7);

    /// <summary>Bad descriptor.</summary>
    public static readonly Errno EBADF = new(9);

    /// <summary>No child process.</summary>
    public static readonly Errno ECHILD = new(10);

    /// <summary>Try again; also EWOULDBLOCK.</summary>
    public static readonly Errno EAGAIN = new(11);

    /// <summary>Out of memory.</summary>
    public static readonly Errno ENOMEM = new(12);

    /// <summary>Permission denied.</summary>
    public static readonly Errno EACCES = new(13);

    /// <summary>File exists.</summary>
    public static readonly Errno EEXIST = new(17);

    /// <summary>Device or resource busy.</summary>
    public static readonly Errno EBUSY = new(16);

    /// <summary>The paths are on different mounted file systems; also a mount point that must not be crossed.</summary>
    public static readonly Errno EXDEV = new(18);

    /// <summary>No such device; also a control group that was removed while its file was open.</summary>
    public static readonly Errno ENODEV = new(19);

    /// <summary>Not a directory.</summary>
    public static readonly Errno ENOTDIR = new(20);

    /// <summary>Is a directory.</summary>
    public static readonly Errno EISDIR = new(21);

    /// <summary>Invalid argument.</summary>
    public static readonly Errno EINVAL = new(22);

    /// <summary>Protocol error.</summary>
    public static readonly Errno EPROTO = new(71);

    /// <summary>The protocol has no such option: the kernel does not support it.</summary>
    public static readonly Errno ENOPROTOOPT = new(92);

    /// <summary>Too many open files in the system.</summary>
    public static readonly Errno ENFILE = new(23);

    /// <summary>Too many open files in the process.</summary>
    public static readonly Errno EMFILE = new(24);

    /// <summary>Result too large.</summary>
    public static readonly Errno ERANGE = new(34);

    /// <summary>Broken pipe.</summary>
    public static readonly Errno EPIPE = new(32);

    /// <summary>The kernel lacks the call.</summary>
    public static readonly Errno ENOSYS = new(38);

    /// <summary>Directory not empty.</summary>
    public static readonly Errno ENOTEMPTY = new(39);

    /// <summary>Too many symbolic links; also one that must not be followed.</summary>
    public static readonly Errno ELOOP = new(40);

    /// <summary>No data available; also ENOATTR.</summary>
    public static readonly Errno ENODATA = new(61);

    /// <summary>Not a program that the kernel can execute.</summary>
    public static readonly Errno ENOEXEC = new(8);

    /// <summary>Not a socket.</summary>
    public static readonly Errno ENOTSOCK = new(88);

    /// <summary>Operation not supported.</summary>
    public static readonly Errno EOPNOTSUPP = new(95);

    /// <summary>No buffer space.</summary>
    public static readonly Errno ENOBUFS = new(105);

    /// <summary>Message too long.</summary>
    public static readonly Errno EMSGSIZE = new(90);

    /// <summary>Address in use.</summary>
    public static readonly Errno EADDRINUSE = new(98);

    /// <summary>Connection reset by the peer.</summary>
    public static readonly Errno ECONNRESET = new(104);

    /// <summary>Not connected.</summary>
    public static readonly Errno ENOTCONN = new(107);

    /// <summary>Connection refused.</summary>
    public static readonly Errno ECONNREFUSED = new(111);

    /// <summary>Operation now in progress.</summary>
    public static readonly Errno EINPROGRESS = new(115);

    private static readonly (Errno Errno, string Name)[] Names =
    [
        (EPERM, nameof(EPERM)), (ENOENT, nameof(ENOENT)), (ESRCH, nameof(ESRCH)), (EINTR, nameof(EINTR)), (EIO, nameof(EIO)),
        (E2BIG, nameof(E2BIG)),
        (EBADF, nameof(EBADF)), (ECHILD, nameof(ECHILD)), (EAGAIN, nameof(EAGAIN)), (ENOMEM, nameof(ENOMEM)), (EACCES, nameof(EACCES)),
        (EEXIST, nameof(EEXIST)), (ENOTDIR, nameof(ENOTDIR)), (EISDIR, nameof(EISDIR)), (EINVAL, nameof(EINVAL)),
            (ENFILE, nameof(ENFILE)), (EMFILE, nameof(EMFILE)),
        (ERANGE, nameof(ERANGE)), (EPIPE, nameof(EPIPE)), (ENOSYS, nameof(ENOSYS)), (EMSGSIZE, nameof(EMSGSIZE)),
        (EADDRINUSE, nameof(EADDRINUSE)), (ENOBUFS, nameof(ENOBUFS)), (ECONNRESET, nameof(ECONNRESET)), (ENOTCONN, nameof(ENOTCONN)),
            (ECONNREFUSED, nameof(ECONNREFUSED)),
        (EINPROGRESS, nameof(EINPROGRESS)), (EBUSY, nameof(EBUSY)), (ENODEV, nameof(ENODEV)), (ENOTEMPTY, nameof(ENOTEMPTY)),
            (ENODATA, nameof(ENODATA)),
        (EPROTO, nameof(EPROTO)), (ENOPROTOOPT, nameof(ENOPROTOOPT)), (EOPNOTSUPP, nameof(EOPNOTSUPP)), (ELOOP, nameof(ELOOP)),
        (ENOTSOCK, nameof(ENOTSOCK)), (ENOEXEC, nameof(ENOEXEC)), (EXDEV, nameof(EXDEV)),
    ];

    /// <summary>libc's message for the number, for example "Permission denied"; strerror(3).</summary>
    public string Text => System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(Value);

    /// <summary>The name and libc's message, for example "EACCES (Permission denied)".</summary>
    public override string ToString()
    {
        foreach ((Errno errno, string name) in Names)
        {
            if (errno == this)
                return $"{name} ({Text})";
        }

        return string.Concat("errno ", Value.ToString(CultureInfo.InvariantCulture), " (" + Text + ")");
    }
}
