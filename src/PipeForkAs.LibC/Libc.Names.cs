using System.Buffers.Binary;
using System.Text;
using Tmds.Linux;

namespace PipeForkAs.LibC;

/// <summary>Calls with paths as bytes: the kernel's names are bytes without NUL and slash, and need not be text.</summary>
public static unsafe partial class Libc
{
    /// <summary>statx(2) of the path itself, without mounting it. Null, and the error, if the call fails.</summary>
    /// <param name="path">Bytes without a NUL.</param>
    /// <param name="error">The error.</param>
    public static FileStatus? lstat(ReadOnlySpan<byte> path, out Errno error)
    {
        byte[] name = Terminated(path);
        statx buffer;
        // SAFETY: the name ends with a NUL and is pinned; statx has the kernel's size and layout (a test checks this against the C
        // compiler).
        fixed (byte* start = name)
        {
            int result = C.statx(C.AT_FDCWD, start, C.AT_SYMLINK_NOFOLLOW | C.AT_NO_AUTOMOUNT, C.STATX_BASIC_STATS, &buffer);
            error = result == 0 ? Errno.None : Check.LastErrno;
        }

        return error == Errno.None ? Status(buffer) : null;
    }

    /// <summary>statx(2) of the path's target. Null, and the error, if the call fails.</summary>
    /// <param name="path">Bytes without a NUL.</param>
    /// <param name="error">The error.</param>
    public static FileStatus? stat(ReadOnlySpan<byte> path, out Errno error)
    {
        byte[] name = Terminated(path);
        statx buffer;
        // SAFETY: the name ends with a NUL and is pinned; statx has the kernel's size and layout (a test checks this against the C
        // compiler).
        fixed (byte* start = name)
        {
            int result = C.statx(C.AT_FDCWD, start, 0, C.STATX_BASIC_STATS, &buffer);
            error = result == 0 ? Errno.None : Check.LastErrno;
        }

        return error == Errno.None ? Status(buffer) : null;
    }

    /// <summary>open(2), close-on-exec. Null, and the error, if the call fails.</summary>
    /// <param name="path">Bytes without a NUL.</param>
    /// <param name="flags">How to open it.</param>
    /// <param name="mode">The permissions of a new file (<c>O_CREAT</c>), before the umask.</param>
    /// <param name="error">The error.</param>
    public static FileDescriptor? open(ReadOnlySpan<byte> path, OpenFlags flags, uint mode, out Errno error)
    {
        byte[] name = Terminated(path);
        int opened;
        // SAFETY: the name ends with a NUL and is pinned.
        fixed (byte* start = name)
            opened = C.openat(C.AT_FDCWD, start, (int)(flags | OpenFlags.O_CLOEXEC), Mode(mode));
        error = opened >= 0 ? Errno.None : Check.LastErrno;
        return opened >= 0 ? new FileDescriptor(opened) : null;
    }

    /// <summary>rename(2): replaces an existing target in one step.</summary>
    /// <param name="from">Bytes without a NUL.</param>
    /// <param name="to">The same.</param>
    /// <returns>The error, or <see cref="Errno.None"/>.</returns>
    public static Errno rename(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        byte[] former = Terminated(from), name = Terminated(to);
        // SAFETY: both names end with a NUL and are pinned.
        fixed (byte* one = former)
        fixed (byte* other = name)
            return Own.rename(one, other) == 0 ? Errno.None : Check.LastErrno;
    }

    /// <summary>unlink(2).</summary>
    /// <param name="path">Bytes without a NUL.</param>
    /// <returns>The error, or <see cref="Errno.None"/>.</returns>
    public static Errno unlink(ReadOnlySpan<byte> path)
    {
        byte[] name = Terminated(path);
        // SAFETY: the name ends with a NUL and is pinned.
        fixed (byte* start = name)
            return C.unlink(start) == 0 ? Errno.None : Check.LastErrno;
    }

    /// <summary>Whether a file has an extended attribute with that name; getxattr(2).</summary>
    /// <param name="path">Bytes without a NUL.</param>
    /// <param name="name">The attribute's name.</param>
    /// <param name="error">Why that is unknown; <see cref="Errno.None"/> if it is known.</param>
    public static bool has_xattr(ReadOnlySpan<byte> path, string name, out Errno error)
    {
        byte[] file = Terminated(path), attribute = Terminated(Encoding.UTF8.GetBytes(name));
        nint length;
        // SAFETY: both names end with a NUL and are pinned; without room the kernel writes nothing.
        fixed (byte* start = file)
        fixed (byte* wanted = attribute)
            length = Own.getxattr(start, wanted, null, 0);
        error = length >= 0 ? Errno.None : Check.LastErrno;
        if (error == Errno.ENODATA || error == Errno.EOPNOTSUPP)
            error = Errno.None;
        return length >= 0;
    }

    /// <summary>getdents64(2): the names in a directory except <c>.</c> and <c>..</c>. Null, and the error, if the directory cannot be
    /// read.
    /// </summary>
    /// <param name="path">Bytes without a NUL.</param>
    /// <param name="error">The error.</param>
    /// <param name="followLink">
    /// Whether the last name of the path may be a link to the directory; otherwise the error is ELOOP or ENOTDIR.
    /// </param>
    /// <param name="most">If there are more names than this, the result may lack some, but has more than this many.</param>
    public static List<byte[]>? names_in(ReadOnlySpan<byte> path, out Errno error, bool followLink = false, int most = int.MaxValue)
    {
        const OpenFlags Flags = OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC;
        byte[] name = Terminated(path);
        int opened;
        // SAFETY: the name ends with a NUL and is pinned.
        fixed (byte* start = name)
            opened = C.open(start, (int)(followLink ? Flags : Flags | OpenFlags.O_NOFOLLOW));
        if (opened == -1)
        {
            error = Check.LastErrno;
            return null;
        }

        using var directory = new FileDescriptor(opened);
        return names_in(directory, out error, most);
    }

    /// <summary>getdents64(2): the names in an open directory except <c>.</c> and <c>..</c>, from its offset on. Null, and the error, if
    /// the directory cannot be read.
    /// </summary>
    /// <param name="directory">The directory, open for reading.</param>
    /// <param name="error">The error.</param>
    /// <param name="most">If there are more names than this, the result may lack some, but has more than this many.</param>
    public static List<byte[]>? names_in(FileDescriptor directory, out Errno error, int most = int.MaxValue)
    {
        // The offsets of the length and the name in struct linux_dirent64; getdents(2).
        const int LengthOffset = 16, NameOffset = 19;
        List<byte[]> names = [];
        var buffer = new byte[32 * 1024];
        while (true)
        {
            nint length;
            // SAFETY: the call passes the buffer's size to the kernel.
            fixed (byte* start = buffer)
                length = Syscall(Own.SYS_getdents64, directory.Number, (nint)start, buffer.Length, 0, 0);
            error = length >= 0 ? Errno.None : Check.LastErrno;
            if (length <= 0)
                return error == Errno.None ? names : null;
            if (names.Count > most)
                return names;
            for (ReadOnlySpan<byte> rest = buffer.AsSpan(0, (int)length); !rest.IsEmpty;)
            {
                ReadOnlySpan<byte> entry = rest[..BinaryPrimitives.ReadUInt16LittleEndian(rest[LengthOffset..])];
                rest = rest[entry.Length..];
                entry = entry[NameOffset..];
                entry = entry[..entry.IndexOf((byte)0)];
                if (!entry.SequenceEqual("."u8) && !entry.SequenceEqual(".."u8))
                    names.Add(entry.ToArray());
            }
        }
    }

    private static byte[] Terminated(ReadOnlySpan<byte> path) =>
        path.Contains((byte)0) ? throw new ArgumentException("the path contains a NUL character", nameof(path)) : [.. path, 0];
}
