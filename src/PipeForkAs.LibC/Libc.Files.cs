using Tmds.Linux;

namespace PipeForkAs.LibC;

public static unsafe partial class Libc
{
    /// <summary>open(2) without <c>O_CREAT</c>, which needs a mode. The descriptor is close-on-exec.</summary>
    public static FileDescriptor open(string path, OpenFlags flags)
    {
        if (flags.HasFlag(OpenFlags.O_CREAT))
            throw new ArgumentException("O_CREAT needs a mode: without one, the kernel reads an undefined register", nameof(flags));
        // SAFETY: the path ends with a NUL and lives until the call has returned.
        using var name = new CString(path, stackalloc byte[CString.BufferSize]);
        return new(Check.Result(C.open(name.Pointer, (int)(flags | OpenFlags.O_CLOEXEC)), $"open(\"{path}\", {flags})"));
    }

    /// <summary>openat(2) with <c>O_CREAT</c>. The descriptor is close-on-exec.</summary>
    /// <param name="path">The file.</param>
    /// <param name="flags">How to open it.</param>
    /// <param name="mode">The permissions of a new file, before the umask.</param>
    public static FileDescriptor open(string path, OpenFlags flags, uint mode)
    {
        // SAFETY: the path ends with a NUL and lives until the call has returned.
        using var name = new CString(path, stackalloc byte[CString.BufferSize]);
        return new(Check.Result(
            C.openat(C.AT_FDCWD, name.Pointer, (int)(flags | OpenFlags.O_CLOEXEC | OpenFlags.O_CREAT), Mode(mode)),
            $"open(\"{path}\", {flags}, {Check.Octal(mode)})"));
    }

    /// <summary>openat(2) without <c>O_CREAT</c>: resolves a name in a directory that is already open. The descriptor is close-on-exec.
    /// </summary>
    public static FileDescriptor openat(FileDescriptor directory, string path, OpenFlags flags)
    {
        if (flags.HasFlag(OpenFlags.O_CREAT))
            throw new ArgumentException("O_CREAT needs a mode", nameof(flags));
        // SAFETY: the path ends with a NUL and lives until the call has returned.
        using var name = new CString(path, stackalloc byte[CString.BufferSize]);
        return new(Check.Result(
            C.openat(directory.Number, name.Pointer, (int)(flags | OpenFlags.O_CLOEXEC)), $"openat({directory}, \"{path}\", {flags})"));
    }

    /// <summary>close(2). The kernel releases the number whatever the call returns, so this reports nothing.</summary>
    internal static void close(int descriptor) => _ = Own.close(descriptor);

    /// <summary>close_range(2): closes the descriptors from <paramref name="first"/> to <paramref name="last"/>, including both.</summary>
    public static void close_range(uint first, uint last) =>
        Check.Result(Own.close_range(first, last, 0), $"close_range({first}, {last}, 0)");

    /// <summary>dup2(2): <paramref name="target"/> becomes a copy that stays open across exec. Returns the new descriptor. Unlike dup2, and
    /// like dup3(2), it refuses the source's own number (EINVAL): that number would have two owners, and would stay close-on-exec.
    /// </summary>
    public static FileDescriptor dup2(FileDescriptor source, int target) =>
        new(Check.Result(C.dup3(source.Number, target, 0), $"dup2({source}, {target})"));

    /// <summary>dup3(2) with <c>O_CLOEXEC</c>.</summary>
    public static FileDescriptor dup3_cloexec(FileDescriptor source, int target) =>
        new(Check.Result(C.dup3(source.Number, target, (int)OpenFlags.O_CLOEXEC), $"dup3({source}, {target}, O_CLOEXEC)"));

    /// <summary>fcntl(2) <c>F_DUPFD_CLOEXEC</c>: a copy with the lowest free number that is at least <paramref name="lowest"/>.</summary>
    public static FileDescriptor dup_from(FileDescriptor source, int lowest) =>
        new(Check.Result(C.fcntl(source.Number, C.F_DUPFD_CLOEXEC, lowest), $"fcntl({source}, F_DUPFD_CLOEXEC, {lowest})"));

    /// <summary>fcntl(2) <c>F_SETFL</c> with only <c>O_NONBLOCK</c>: for pipe ends and sockets, which have no other flag.</summary>
    public static void set_nonblocking(FileDescriptor descriptor) =>
        Check.Result(C.fcntl(descriptor.Number, C.F_SETFL, (int)OpenFlags.O_NONBLOCK), $"fcntl({descriptor}, F_SETFL, O_NONBLOCK)");

    /// <summary>fcntl(2) <c>F_GETFL</c>: the access mode and the status flags with which a descriptor was opened.</summary>
    public static OpenFlags get_flags(FileDescriptor descriptor) =>
        (OpenFlags)Check.Result(C.fcntl(descriptor.Number, C.F_GETFL), $"fcntl({descriptor}, F_GETFL)");

    /// <summary>pipe2(2) with <c>O_CLOEXEC</c>; both ends block.</summary>
    public static (FileDescriptor Read, FileDescriptor Write) pipe2()
    {
        int* ends = stackalloc int[2];
        // SAFETY: the kernel writes two ints, and the array has room for them.
        Check.Result(C.pipe2(ends, (int)OpenFlags.O_CLOEXEC), $"pipe2(O_CLOEXEC)");
        return (new FileDescriptor(ends[0]), new FileDescriptor(ends[1]));
    }

    /// <summary>fcntl(2) <c>F_SETPIPE_SZ</c>: sets the capacity of a pipe in bytes; rounded up to a page.</summary>
    public static void set_pipe_size(FileDescriptor pipe, int bytes) =>
        Check.Result(C.fcntl(pipe.Number, C.F_SETPIPE_SZ, bytes), $"fcntl({pipe}, F_SETPIPE_SZ, {bytes})");

    /// <summary>read(2), repeated after a signal.</summary>
    public static IOResult read(FileDescriptor descriptor, Span<byte> buffer)
    {
        // SAFETY: the buffer is pinned for the call, and the call passes its length to the kernel.
        fixed (byte* start = buffer)
        {
            IOResult result;
            do
                result = Check.Count(C.read(descriptor.Number, start, buffer.Length));
            while (result.Errno == Errno.EINTR);
            return result;
        }
    }

    /// <summary>pread(2), repeated after a signal: reads at an offset, and does not move the descriptor's own offset.</summary>
    /// <param name="descriptor">A file that supports offsets.</param>
    /// <param name="buffer">Receives the bytes.</param>
    /// <param name="offset">The offset in bytes from the beginning; not negative.</param>
    public static IOResult pread(FileDescriptor descriptor, Span<byte> buffer, long offset)
    {
        // SAFETY: the buffer is pinned for the call, and the call passes its length to the kernel.
        fixed (byte* start = buffer)
        {
            IOResult result;
            do
                result = Check.Count(C.pread(descriptor.Number, start, buffer.Length, offset));
            while (result.Errno == Errno.EINTR);
            return result;
        }
    }

    /// <summary>write(2), repeated after a signal. May write only a part.</summary>
    public static IOResult write(FileDescriptor descriptor, ReadOnlySpan<byte> buffer)
    {
        // SAFETY: the buffer is pinned for the call, and the call passes its length to the kernel.
        fixed (byte* start = buffer)
        {
            IOResult result;
            do
                result = Check.Count(C.write(descriptor.Number, start, buffer.Length));
            while (result.Errno == Errno.EINTR);
            return result;
        }
    }

    /// <summary>
    /// splice(2) without offsets and with <c>SPLICE_F_NONBLOCK | SPLICE_F_MOVE</c>: moves bytes between a pipe and another descriptor
    /// inside the kernel.
    /// </summary>
    public static IOResult splice(FileDescriptor from, FileDescriptor to, int length)
    {
        IOResult result;
        // SAFETY: null offsets mean the descriptors' own offsets.
        do
            result = Check.Count(C.splice(from.Number, null, to.Number, null, length, (uint)(C.SPLICE_F_MOVE | C.SPLICE_F_NONBLOCK)));
        while (result.Errno == Errno.EINTR);
        return result;
    }

    /// <summary>ioctl(2) <c>FIONREAD</c>: the number of bytes that can be read now.</summary>
    public static int bytes_available(FileDescriptor descriptor)
    {
        int count = 0;
        // SAFETY: FIONREAD writes one int.
        Check.Result(C.ioctl(descriptor.Number, C.FIONREAD, &count), $"ioctl({descriptor}, FIONREAD)");
        return count;
    }

    /// <summary>chdir(2).</summary>
    public static void chdir(string path)
    {
        // SAFETY: the path ends with a NUL and lives until the call has returned.
        using var name = new CString(path, stackalloc byte[CString.BufferSize]);
        Check.Result(C.chdir(name.Pointer), $"chdir(\"{path}\")");
    }

    /// <summary>umask(2); returns the former mask. It cannot fail.</summary>
    public static uint umask(uint mask) => (ushort)C.umask(Mode(mask));

    /// <summary>fsync(2): waits until the file, or the names in a directory, are on the disk.</summary>
    public static void fsync(FileDescriptor descriptor) => Check.Result(C.fsync(descriptor.Number), $"fsync({descriptor})");

    /// <summary>rename(2): replaces an existing target in one step.</summary>
    public static void rename(string from, string to)
    {
        // SAFETY: both paths end with a NUL and live until the call has returned.
        using var former = new CString(from, stackalloc byte[CString.BufferSize]);
        using var name = new CString(to, stackalloc byte[CString.BufferSize]);
        Check.Result(Own.rename(former.Pointer, name.Pointer), $"rename(\"{from}\", \"{to}\")");
    }

    /// <summary>fchown(2) of only the group. Returns false if the process may not give the file to the group (EPERM), because it is not a
    /// member.
    /// </summary>
    public static bool fchown(FileDescriptor file, GroupId group)
    {
        int result = C.fchown(file.Number, uint.MaxValue, group.Value);
        if (result == -1 && Check.LastErrno == Errno.EPERM)
            return false;
        Check.Result(result, $"fchown({file}, -1, {group})");
        return true;
    }

    /// <summary>fchmod(2).</summary>
    public static void fchmod(FileDescriptor file, uint mode) =>
        Check.Result(C.fchmod(file.Number, Mode(mode)), $"fchmod({file}, {Check.Octal(mode)})");

    /// <summary>unlink(2).</summary>
    public static void unlink(string path)
    {
        // SAFETY: the path ends with a NUL and lives until the call has returned.
        using var name = new CString(path, stackalloc byte[CString.BufferSize]);
        Check.Result(C.unlink(name.Pointer), $"unlink(\"{path}\")");
    }

    /// <summary>chmod(2).</summary>
    public static void chmod(string path, uint mode)
    {
        // SAFETY: the path ends with a NUL and lives until the call has returned.
        using var name = new CString(path, stackalloc byte[CString.BufferSize]);
        Check.Result(C.chmod(name.Pointer, Mode(mode)), $"chmod(\"{path}\", {Check.Octal(mode)})");
    }

    /// <summary>statx(2) of the path itself, without mounting it (<c>AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT</c>, as lstat(2)); null if
    /// nothing exists there.
    /// </summary>
    public static FileStatus? lstat(string path) => Stat(path, C.AT_SYMLINK_NOFOLLOW | C.AT_NO_AUTOMOUNT);

    /// <summary>statx(2) of the path's target; null if nothing exists there.</summary>
    public static FileStatus? stat(string path) => Stat(path, 0);

    /// <summary>statx(2) of an open file, also one opened with <c>O_PATH</c>.</summary>
    public static FileStatus fstat(FileDescriptor descriptor)
    {
        statx buffer;
        byte empty = 0;
        // SAFETY: an empty path; statx has the kernel's size and layout (a test checks this against the C compiler).
        Check.Result(
            C.statx(descriptor.Number, &empty, C.AT_EMPTY_PATH, C.STATX_BASIC_STATS, &buffer),
            $"statx({descriptor}, AT_EMPTY_PATH)");
        return Status(buffer);
    }

    private static FileStatus? Stat(string path, int flags)
    {
        statx buffer;
        // SAFETY: the path ends with a NUL and lives until the call has returned; statx has the kernel's size and layout (a test checks
        // this against the C compiler).
        using var name = new CString(path, stackalloc byte[CString.BufferSize]);
        int result = C.statx(C.AT_FDCWD, name.Pointer, flags, C.STATX_BASIC_STATS, &buffer);
        if (result == -1 && (Check.LastErrno == Errno.ENOENT || Check.LastErrno == Errno.ENOTDIR))
            return null;
        Check.Result(result, $"statx(\"{path}\", {flags})");
        return Status(buffer);
    }

    private static FileStatus Status(in statx buffer) =>
        new(
            (FileKind)(buffer.stx_mode & (ushort)C.S_IFMT), buffer.stx_mode & 0xFFFu,
            new UserId(buffer.stx_uid), new GroupId(buffer.stx_gid),
            (long)buffer.stx_size, (long)buffer.stx_blocks, buffer.stx_nlink, buffer.stx_ino,
            ((ulong)buffer.stx_dev_major << 32) | buffer.stx_dev_minor, buffer.stx_mtime.tv_sec, buffer.stx_mtime.tv_nsec);

    /// <summary>Converts permission bits to C's type.</summary>
    /// <exception cref="OverflowException">The number has more than 16 bits.</exception>
    private static mode_t Mode(uint bits) => checked((ushort)bits);
}
