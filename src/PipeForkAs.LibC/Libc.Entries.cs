using Tmds.Linux;

namespace PipeForkAs.LibC;

/// <summary>Calls with a name, as bytes, in a directory that is already open: no other process can lead them to another directory.
/// </summary>
public static unsafe partial class Libc
{
    /// <summary>openat(2) without <c>O_CREAT</c>, close-on-exec. Null, and the error, if the call fails.</summary>
    /// <param name="directory">The directory; null for the working directory.</param>
    /// <param name="name">Bytes without a NUL.</param>
    /// <param name="flags">How to open it.</param>
    /// <param name="error">The error.</param>
    public static FileDescriptor? openat(FileDescriptor? directory, ReadOnlySpan<byte> name, OpenFlags flags, out Errno error)
    {
        if (flags.HasFlag(OpenFlags.O_CREAT))
            throw new ArgumentException("O_CREAT needs a mode", nameof(flags));
        byte[] path = Terminated(name);
        int opened;
        // SAFETY: the name ends with a NUL and is pinned.
        fixed (byte* start = path)
            opened = C.openat(NumberOf(directory), start, (int)(flags | OpenFlags.O_CLOEXEC));
        error = opened >= 0 ? Errno.None : Check.LastErrno;
        return opened >= 0 ? new FileDescriptor(opened) : null;
    }

    /// <summary>
    /// openat2(2) with <c>RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV</c>, close-on-exec: neither a link, nor dots, nor a mount
    /// point leads out of the directory's own file system; a bind mount is a mount point too. Null, and the error, if the call fails: ELOOP
    /// for a link, EXDEV for the others.
    /// </summary>
    /// <param name="directory">The directory.</param>
    /// <param name="name">Bytes without a NUL.</param>
    /// <param name="flags">How to open it.</param>
    /// <param name="error">The error.</param>
    public static FileDescriptor? openat_same_mount(
        FileDescriptor directory, ReadOnlySpan<byte> name, OpenFlags flags, out Errno error)
    {
        byte[] path = Terminated(name);
        var how = new open_how
        {
            flags = (ulong)(flags | OpenFlags.O_CLOEXEC),
            resolve = C.RESOLVE_BENEATH | C.RESOLVE_NO_SYMLINKS | C.RESOLVE_NO_XDEV,
        };
        int opened;
        // SAFETY: the name ends with a NUL and is pinned; the call passes the structure's size to the kernel.
        fixed (byte* start = path)
            opened = (int)Syscall(Own.SYS_openat2, directory.Number, (nint)start, (nint)(&how), sizeof(open_how), 0);
        error = opened >= 0 ? Errno.None : Check.LastErrno;
        return opened >= 0 ? new FileDescriptor(opened) : null;
    }

    /// <summary>statx(2) of the entry itself, without mounting it. Null, and the error, if the call fails.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="name">Bytes without a NUL.</param>
    /// <param name="error">The error.</param>
    public static FileStatus? lstat(FileDescriptor directory, ReadOnlySpan<byte> name, out Errno error)
    {
        byte[] path = Terminated(name);
        statx buffer;
        // SAFETY: the name ends with a NUL and is pinned; statx has the kernel's size and layout (a test checks this against the C
        // compiler).
        fixed (byte* start = path)
        {
            int result = C.statx(
                directory.Number, start, C.AT_SYMLINK_NOFOLLOW | C.AT_NO_AUTOMOUNT, C.STATX_BASIC_STATS, &buffer);
            error = result == 0 ? Errno.None : Check.LastErrno;
        }

        return error == Errno.None ? Status(buffer) : null;
    }

    /// <summary>mkdirat(2).</summary>
    /// <param name="directory">The directory; null for the working directory.</param>
    /// <param name="name">Bytes without a NUL.</param>
    /// <param name="mode">The permissions, before the umask.</param>
    /// <returns>The error, or <see cref="Errno.None"/>.</returns>
    public static Errno mkdirat(FileDescriptor? directory, ReadOnlySpan<byte> name, uint mode)
    {
        byte[] path = Terminated(name);
        // SAFETY: the name ends with a NUL and is pinned.
        fixed (byte* start = path)
            return C.mkdirat(NumberOf(directory), start, Mode(mode)) == 0 ? Errno.None : Check.LastErrno;
    }

    /// <summary>unlinkat(2): removes an entry, or an empty directory. It follows no link.</summary>
    /// <param name="directory">The directory; null for the working directory.</param>
    /// <param name="name">Bytes without a NUL.</param>
    /// <param name="isDirectory">
    /// Whether to remove an empty directory (<c>AT_REMOVEDIR</c>). If not, the error for a directory is EISDIR.
    /// </param>
    /// <returns>The error, or <see cref="Errno.None"/>.</returns>
    public static Errno unlinkat(FileDescriptor? directory, ReadOnlySpan<byte> name, bool isDirectory)
    {
        byte[] path = Terminated(name);
        // SAFETY: the name ends with a NUL and is pinned.
        fixed (byte* start = path)
            return C.unlinkat(NumberOf(directory), start, isDirectory ? C.AT_REMOVEDIR : 0) == 0 ? Errno.None : Check.LastErrno;
    }

    /// <summary>renameat2(2) with <c>RENAME_NOREPLACE</c>: fails with EEXIST if the new path exists, and with EINVAL if the file system
    /// lacks this.
    /// </summary>
    /// <param name="from">Bytes without a NUL.</param>
    /// <param name="to">The same.</param>
    /// <returns>The error, or <see cref="Errno.None"/>.</returns>
    public static Errno rename_noreplace(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        byte[] former = Terminated(from), name = Terminated(to);
        // SAFETY: both names end with a NUL and are pinned.
        fixed (byte* one = former)
        fixed (byte* other = name)
            return Own.renameat2(C.AT_FDCWD, one, C.AT_FDCWD, other, Own.RENAME_NOREPLACE) == 0 ? Errno.None : Check.LastErrno;
    }

    /// <summary>linkat(2): a second name for a file. It follows no link, and fails with EEXIST if the new path exists.</summary>
    /// <param name="from">Bytes without a NUL.</param>
    /// <param name="to">The same.</param>
    /// <returns>The error, or <see cref="Errno.None"/>.</returns>
    public static Errno link(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        byte[] former = Terminated(from), name = Terminated(to);
        // SAFETY: both names end with a NUL and are pinned.
        fixed (byte* one = former)
        fixed (byte* other = name)
            return C.linkat(C.AT_FDCWD, one, C.AT_FDCWD, other, 0) == 0 ? Errno.None : Check.LastErrno;
    }

    /// <summary>readlinkat(2) of a link that is open with <c>O_PATH | O_NOFOLLOW</c>. Null, and the error, if the call fails.</summary>
    public static byte[]? readlink(FileDescriptor link, out Errno error)
    {
        const int Longest = 4096; // PATH_MAX: no target is longer, and it has no NUL at the end.
        byte* target = stackalloc byte[Longest];
        byte empty = 0;
        // SAFETY: an empty path; the call passes the buffer's size to the kernel.
        long length = C.readlinkat(link.Number, &empty, target, Longest);
        error = length >= 0 ? Errno.None : Check.LastErrno;
        return length >= 0 ? new ReadOnlySpan<byte>(target, (int)length).ToArray() : null;
    }

    private static int NumberOf(FileDescriptor? directory) => directory?.Number ?? C.AT_FDCWD;
}
