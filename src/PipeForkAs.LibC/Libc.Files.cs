using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

public static unsafe partial class Libc
{
    /// <summary>open(2) without <c>O_CREAT</c>, which needs a mode. The descriptor is close-on-exec.</summary>
    public static FileDescriptor open(string path, OpenFlags flags)
    {
        if (flags.HasFlag(OpenFlags.O_CREAT))
            throw new ArgumentException("O_CREAT needs a mode: the kernel would take it from a register that nobody set", nameof(flags));
        return new(Check.Result(sys_open(Check.NoNul(path), (int)(flags | OpenFlags.O_CLOEXEC)), $"open(\"{path}\", {flags})"));
    }

    /// <summary>openat(2) with <c>O_CREAT</c>. The descriptor is close-on-exec.</summary>
    /// <param name="path">The file.</param>
    /// <param name="flags">How to open it.</param>
    /// <param name="mode">Its permissions where it is made, before the umask.</param>
    public static FileDescriptor open(string path, OpenFlags flags, uint mode) =>
        new(Check.Result(
            sys_open_create(AT_FDCWD, Check.NoNul(path), (int)(flags | OpenFlags.O_CLOEXEC | OpenFlags.O_CREAT), mode),
            $"open(\"{path}\", {flags}, {Check.Octal(mode)})"));

    /// <summary>openat(2) without <c>O_CREAT</c>: a name is looked for in a directory that is open already. The descriptor is close-on-exec.</summary>
    public static FileDescriptor openat(FileDescriptor directory, string path, OpenFlags flags)
    {
        if (flags.HasFlag(OpenFlags.O_CREAT))
            throw new ArgumentException("O_CREAT needs a mode", nameof(flags));
        return new(Check.Result(
            sys_open_create(directory.Number, Check.NoNul(path), (int)(flags | OpenFlags.O_CLOEXEC), 0), $"openat({directory}, \"{path}\", {flags})"));
    }

    /// <summary>close(2). The number is released whatever it returns, so nothing is reported.</summary>
    internal static void close(int descriptor) => _ = sys_close(descriptor);

    /// <summary>close_range(2): closes the descriptors from <paramref name="first"/> to <paramref name="last"/>, both included.</summary>
    public static void close_range(uint first, uint last) =>
        Check.Result(sys_close_range(first, last, 0), $"close_range({first}, {last}, 0)");

    /// <summary>
    /// dup2(2): <paramref name="target"/> becomes a copy that stays open over exec. Returns the new descriptor. Unlike dup2, and like
    /// dup3(2), it refuses (EINVAL) the source's own number: that would have two owners, and stay close-on-exec.
    /// </summary>
    public static FileDescriptor dup2(FileDescriptor source, int target) =>
        new(Check.Result(sys_dup3(source.Number, target, 0), $"dup2({source}, {target})"));

    /// <summary>dup3(2) with <c>O_CLOEXEC</c>.</summary>
    public static FileDescriptor dup3_cloexec(FileDescriptor source, int target) =>
        new(Check.Result(sys_dup3(source.Number, target, (int)OpenFlags.O_CLOEXEC), $"dup3({source}, {target}, O_CLOEXEC)"));

    /// <summary>fcntl(2) <c>F_DUPFD_CLOEXEC</c>: a copy under the lowest free number from <paramref name="lowest"/> on.</summary>
    public static FileDescriptor dup_from(FileDescriptor source, int lowest) =>
        new(Check.Result(sys_fcntl(source.Number, F_DUPFD_CLOEXEC, lowest), $"fcntl({source}, F_DUPFD_CLOEXEC, {lowest})"));

    /// <summary>fcntl(2) <c>F_SETFL</c> with <c>O_NONBLOCK</c> alone: for pipe ends and sockets, which carry no other flag.</summary>
    public static void set_nonblocking(FileDescriptor descriptor) =>
        Check.Result(sys_fcntl(descriptor.Number, F_SETFL, (int)OpenFlags.O_NONBLOCK), $"fcntl({descriptor}, F_SETFL, O_NONBLOCK)");

    /// <summary>pipe2(2) with <c>O_CLOEXEC</c>; both ends block.</summary>
    public static (FileDescriptor Read, FileDescriptor Write) pipe2()
    {
        int* ends = stackalloc int[2];
        // SAFETY: the kernel writes two ints, for which there is room.
        Check.Result(sys_pipe2(ends, (int)OpenFlags.O_CLOEXEC), $"pipe2(O_CLOEXEC)");
        return (new FileDescriptor(ends[0]), new FileDescriptor(ends[1]));
    }

    /// <summary>read(2), repeated when a signal interrupts it.</summary>
    public static IOResult read(FileDescriptor descriptor, Span<byte> buffer)
    {
        // SAFETY: the buffer is pinned for the call and its length is what the kernel is told.
        fixed (byte* start = buffer)
        {
            IOResult result;
            do
                result = Check.Count(sys_read(descriptor.Number, start, (nuint)buffer.Length));
            while (result.Errno == Errno.EINTR);
            return result;
        }
    }

    /// <summary>pread(2), repeated when a signal interrupts it: reads from a place, and the descriptor's own stays where it is.</summary>
    /// <param name="descriptor">A file that has places.</param>
    /// <param name="buffer">Takes what is read.</param>
    /// <param name="offset">The place, in bytes from the beginning; not negative.</param>
    public static IOResult pread(FileDescriptor descriptor, Span<byte> buffer, long offset)
    {
        // SAFETY: the buffer is pinned for the call and its length is what the kernel is told.
        fixed (byte* start = buffer)
        {
            IOResult result;
            do
                result = Check.Count(sys_pread(descriptor.Number, start, (nuint)buffer.Length, offset));
            while (result.Errno == Errno.EINTR);
            return result;
        }
    }

    /// <summary>write(2), repeated when a signal interrupts it. May write less than all.</summary>
    public static IOResult write(FileDescriptor descriptor, ReadOnlySpan<byte> buffer)
    {
        // SAFETY: the buffer is pinned for the call and its length is what the kernel is told.
        fixed (byte* start = buffer)
        {
            IOResult result;
            do
                result = Check.Count(sys_write(descriptor.Number, start, (nuint)buffer.Length));
            while (result.Errno == Errno.EINTR);
            return result;
        }
    }

    /// <summary>splice(2) without offsets and with <c>SPLICE_F_NONBLOCK | SPLICE_F_MOVE</c>: moves bytes between a pipe and another descriptor inside the kernel.</summary>
    public static IOResult splice(FileDescriptor from, FileDescriptor to, int length)
    {
        IOResult result;
        // SAFETY: null offsets stand for the descriptors' own.
        do
            result = Check.Count(sys_splice(from.Number, null, to.Number, null, (nuint)length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
        while (result.Errno == Errno.EINTR);
        return result;
    }

    /// <summary>ioctl(2) <c>FIONREAD</c>: bytes that can be read now.</summary>
    public static int bytes_available(FileDescriptor descriptor)
    {
        int count = 0;
        // SAFETY: FIONREAD writes one int.
        Check.Result(sys_ioctl(descriptor.Number, FIONREAD, &count), $"ioctl({descriptor}, FIONREAD)");
        return count;
    }

    /// <summary>chdir(2).</summary>
    public static void chdir(string path) => Check.Result(sys_chdir(Check.NoNul(path)), $"chdir(\"{path}\")");

    /// <summary>umask(2); returns the former mask. It cannot fail.</summary>
    public static uint umask(uint mask) => sys_umask(mask);

    /// <summary>fsync(2): waits until the file, or the names in a directory, are on the disk.</summary>
    public static void fsync(FileDescriptor descriptor) => Check.Result(sys_fsync(descriptor.Number), $"fsync({descriptor})");

    /// <summary>rename(2): what stands there already is replaced in one step.</summary>
    public static void rename(string from, string to) => Check.Result(sys_rename(Check.NoNul(from), Check.NoNul(to)), $"rename(\"{from}\", \"{to}\")");

    /// <summary>fchown(2) of the group alone. False where the process may not give the file to it (EPERM): it is not one of its groups.</summary>
    public static bool fchown(FileDescriptor file, GroupId group)
    {
        int result = sys_fchown(file.Number, uint.MaxValue, group.Value);
        if (result == -1 && Check.LastErrno == Errno.EPERM)
            return false;
        Check.Result(result, $"fchown({file}, -1, {group})");
        return true;
    }

    /// <summary>fchmod(2).</summary>
    public static void fchmod(FileDescriptor file, uint mode) => Check.Result(sys_fchmod(file.Number, mode), $"fchmod({file}, {Check.Octal(mode)})");

    /// <summary>unlink(2).</summary>
    public static void unlink(string path) => Check.Result(sys_unlink(Check.NoNul(path)), $"unlink(\"{path}\")");

    /// <summary>chmod(2).</summary>
    public static void chmod(string path, uint mode) => Check.Result(sys_chmod(Check.NoNul(path), mode), $"chmod(\"{path}\", {Check.Octal(mode)})");

    /// <summary>statx(2) of the path itself, without having it mounted (<c>AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT</c>, as lstat(2)), or null where there is nothing.</summary>
    public static FileStatus? lstat(string path) => Stat(path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT);

    /// <summary>statx(2) of what the path leads to, or null where there is nothing.</summary>
    public static FileStatus? stat(string path) => Stat(path, 0);

    /// <summary>statx(2) of what is open, also with <c>O_PATH</c>.</summary>
    public static FileStatus fstat(FileDescriptor descriptor)
    {
        statx_t buffer;
        // SAFETY: statx_t has the kernel's size and layout (checked by a test against the C compiler).
        Check.Result(sys_statx(descriptor.Number, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &buffer), $"statx({descriptor}, AT_EMPTY_PATH)");
        return Status(buffer);
    }

    private static FileStatus? Stat(string path, int flags)
    {
        statx_t buffer;
        // SAFETY: statx_t has the kernel's size and layout (checked by a test against the C compiler).
        int result = sys_statx(AT_FDCWD, Check.NoNul(path), flags, STATX_BASIC_STATS, &buffer);
        if (result == -1 && (Check.LastErrno == Errno.ENOENT || Check.LastErrno == Errno.ENOTDIR))
            return null;
        Check.Result(result, $"statx(\"{path}\", {flags})");
        return Status(buffer);
    }

    private static FileStatus Status(in statx_t buffer) =>
        new(
            (FileKind)(buffer.stx_mode & S_IFMT), buffer.stx_mode & 0xFFFu, new UserId(buffer.stx_uid), new GroupId(buffer.stx_gid),
            (long)buffer.stx_size, (long)buffer.stx_blocks, buffer.stx_nlink, buffer.stx_ino,
            ((ulong)buffer.stx_dev_major << 32) | buffer.stx_dev_minor, buffer.stx_mtime_sec, buffer.stx_mtime_nsec);

    internal const int AT_FDCWD = -100;
    internal const int AT_SYMLINK_NOFOLLOW = 0x100;
    internal const int AT_NO_AUTOMOUNT = 0x800;
    internal const int AT_EMPTY_PATH = 0x1000;
    internal const int S_IFMT = 0xF000;
    internal const uint STATX_BASIC_STATS = 0x7ff;
    internal const int F_SETFL = 4;
    internal const int F_DUPFD_CLOEXEC = 1030;
    internal const uint SPLICE_F_MOVE = 1;
    internal const uint SPLICE_F_NONBLOCK = 2;
    internal const nuint FIONREAD = 0x541B;

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_open(string path, int flags);

    [LibraryImport(Library, EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_open_create(int directory, string path, int flags, uint mode);

    [LibraryImport(Library, EntryPoint = "close")]
    private static partial int sys_close(int descriptor);

    [LibraryImport(Library, EntryPoint = "close_range", SetLastError = true)]
    private static partial int sys_close_range(uint first, uint last, int flags);

    [LibraryImport(Library, EntryPoint = "dup3", SetLastError = true)]
    private static partial int sys_dup3(int source, int target, int flags);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    private static partial int sys_fcntl(int descriptor, int command, int argument);

    [LibraryImport(Library, EntryPoint = "pipe2", SetLastError = true)]
    private static partial int sys_pipe2(int* ends, int flags);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    private static partial nint sys_read(int descriptor, byte* buffer, nuint length);

    [LibraryImport(Library, EntryPoint = "pread64", SetLastError = true)]
    private static partial nint sys_pread(int descriptor, byte* buffer, nuint length, long offset);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    private static partial nint sys_write(int descriptor, byte* buffer, nuint length);

    [LibraryImport(Library, EntryPoint = "splice", SetLastError = true)]
    private static partial nint sys_splice(int from, long* fromOffset, int to, long* toOffset, nuint length, uint flags);

    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    private static partial int sys_ioctl(int descriptor, nuint request, int* argument);

    [LibraryImport(Library, EntryPoint = "chdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_chdir(string path);

    [LibraryImport(Library, EntryPoint = "umask")]
    private static partial uint sys_umask(uint mask);

    [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
    private static partial int sys_fsync(int descriptor);

    [LibraryImport(Library, EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_rename(string from, string to);

    [LibraryImport(Library, EntryPoint = "fchown", SetLastError = true)]
    private static partial int sys_fchown(int descriptor, uint owner, uint group);

    [LibraryImport(Library, EntryPoint = "fchmod", SetLastError = true)]
    private static partial int sys_fchmod(int descriptor, uint mode);

    [LibraryImport(Library, EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_unlink(string path);

    [LibraryImport(Library, EntryPoint = "chmod", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_chmod(string path, uint mode);

    [LibraryImport(Library, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_statx(int directory, string path, int flags, uint mask, statx_t* buffer);
}
