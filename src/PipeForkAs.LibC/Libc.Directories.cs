using System.Text;
using Tmds.Linux;

namespace PipeForkAs.LibC;

public static unsafe partial class Libc
{
    /// <summary>openat2(2) with <c>RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS</c>: neither links nor dots can lead out of the directory. The
    /// descriptor is close-on-exec.
    /// </summary>
    public static FileDescriptor openat_beneath(FileDescriptor directory, string path, OpenFlags flags)
    {
        var how = new open_how { flags = (ulong)(flags | OpenFlags.O_CLOEXEC), resolve = C.RESOLVE_BENEATH | C.RESOLVE_NO_SYMLINKS };
        // SAFETY: the path ends with a NUL and lives until the call has returned; the call passes the structure's size to the kernel.
        using var name = new CString(path, stackalloc byte[CString.BufferSize]);
        return new(Check.Result(
            (int)Syscall(Own.SYS_openat2, directory.Number, (nint)name.Pointer, (nint)(&how), sizeof(open_how), 0),
            $"openat2({directory}, \"{path}\", {flags})"));
    }

    /// <summary>mkdir(2). Returns false if something with that name exists.</summary>
    /// <param name="path">The directory.</param>
    /// <param name="mode">The permissions, before the umask.</param>
    public static bool mkdir(string path, uint mode)
    {
        // SAFETY: the path ends with a NUL and lives until the call has returned.
        using var name = new CString(path, stackalloc byte[CString.BufferSize]);
        int result = C.mkdir(name.Pointer, Mode(mode));
        if (result == -1 && Check.LastErrno == Errno.EEXIST)
            return false;
        Check.Result(result, $"mkdir(\"{path}\", {Check.Octal(mode)})");
        return true;
    }

    /// <summary>rmdir(2). Returns false if it is in use, like a control group with living processes; cgroups(7).</summary>
    public static bool rmdir(string path)
    {
        // SAFETY: the path ends with a NUL and lives until the call has returned.
        using var name = new CString(path, stackalloc byte[CString.BufferSize]);
        int result = C.rmdir(name.Pointer);
        if (result == -1 && (Check.LastErrno == Errno.EBUSY || Check.LastErrno == Errno.ENOTEMPTY))
            return false;
        Check.Result(result, $"rmdir(\"{path}\")");
        return true;
    }

    /// <summary>flock(2) with <c>LOCK_EX | LOCK_NB</c>: the lock lasts while the descriptor is open. Returns false if another process has
    /// the lock.
    /// </summary>
    public static bool flock_exclusive(FileDescriptor file)
    {
        int result = Own.flock(file.Number, Own.LOCK_EX | Own.LOCK_NB);
        if (result == -1 && Check.LastErrno == Errno.EAGAIN)
            return false;
        Check.Result(result, $"flock({file}, LOCK_EX | LOCK_NB)");
        return true;
    }

    /// <summary>getxattr(2) of up to 256 bytes; null if there is no attribute with that name, or the file system has no attributes.
    /// </summary>
    public static byte[]? getxattr(string path, string name)
    {
        byte* value = stackalloc byte[256];
        // SAFETY: path and name end with a NUL and live until the call has returned; the call passes the buffer's size to the kernel.
        using var file = new CString(path, stackalloc byte[CString.BufferSize]);
        using var attribute = new CString(name, stackalloc byte[CString.BufferSize]);
        nint length = Own.getxattr(file.Pointer, attribute.Pointer, value, 256);
        if (length == -1 && (Check.LastErrno == Errno.ENODATA || Check.LastErrno == Errno.EOPNOTSUPP))
            return null;
        Check.Result((int)length, $"getxattr(\"{path}\", \"{name}\")");
        return new ReadOnlySpan<byte>(value, (int)length).ToArray();
    }

    /// <summary>readlink(2), as UTF-8; null if the link cannot be read, or is longer than a path may be (4095 bytes).</summary>
    public static string? readlink(string path)
    {
        const int Longest = 4096;
        byte* target = stackalloc byte[Longest];
        // SAFETY: the path ends with a NUL and lives until the call has returned; the call passes the buffer's size to the kernel, which
        // writes no NUL at the end.
        using var name = new CString(path, stackalloc byte[CString.BufferSize]);
        long length = C.readlink(name.Pointer, target, Longest);
        return length is < 0 or Longest ? null : Encoding.UTF8.GetString(target, (int)length);
    }
}
