using System.Text;
using Tmds.Linux;

namespace PipeForkAs.LibC;

public static unsafe partial class Libc
{
    /// <summary>
    /// openat2(2) with <c>RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS</c>: neither links nor dots lead out of the directory. The descriptor is
    /// close-on-exec.
    /// </summary>
    public static FileDescriptor openat_beneath(FileDescriptor directory, string path, OpenFlags flags)
    {
        var how = new open_how { flags = (ulong)(flags | OpenFlags.O_CLOEXEC), resolve = C.RESOLVE_BENEATH | C.RESOLVE_NO_SYMLINKS };
        // SAFETY: the path ends with a NUL and lives until the call has returned; the kernel is told the structure's size.
        using var name = new CString(path, stackalloc byte[CString.BufferSize]);
        return new(Check.Result(
            (int)Syscall(Own.SYS_openat2, directory.Number, (nint)name.Pointer, (nint)(&how), sizeof(open_how), 0),
            $"openat2({directory}, \"{path}\", {flags})"));
    }

    /// <summary>mkdir(2). False where something of that name exists.</summary>
    /// <param name="path">The directory.</param>
    /// <param name="mode">Its permissions, before the umask.</param>
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

    /// <summary>rmdir(2). False where it is in use, as a control group with living processes is; cgroups(7).</summary>
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

    /// <summary>flock(2) with <c>LOCK_EX | LOCK_NB</c>: held as long as the descriptor is open. False where another holds it.</summary>
    public static bool flock_exclusive(FileDescriptor file)
    {
        int result = Own.flock(file.Number, Own.LOCK_EX | Own.LOCK_NB);
        if (result == -1 && Check.LastErrno == Errno.EAGAIN)
            return false;
        Check.Result(result, $"flock({file}, LOCK_EX | LOCK_NB)");
        return true;
    }

    /// <summary>getxattr(2) of up to 256 bytes; null where there is none of that name, or the file system has none.</summary>
    public static byte[]? getxattr(string path, string name)
    {
        byte* value = stackalloc byte[256];
        // SAFETY: path and name end with a NUL and live until the call has returned; the kernel is told the buffer's size.
        using var file = new CString(path, stackalloc byte[CString.BufferSize]);
        using var attribute = new CString(name, stackalloc byte[CString.BufferSize]);
        nint length = Own.getxattr(file.Pointer, attribute.Pointer, value, 256);
        if (length == -1 && (Check.LastErrno == Errno.ENODATA || Check.LastErrno == Errno.EOPNOTSUPP))
            return null;
        Check.Result((int)length, $"getxattr(\"{path}\", \"{name}\")");
        return new ReadOnlySpan<byte>(value, (int)length).ToArray();
    }

    /// <summary>readlink(2), as UTF-8; null where it cannot be read, or is longer than a path may be (4095 bytes).</summary>
    public static string? readlink(string path)
    {
        const int Longest = 4096;
        byte* target = stackalloc byte[Longest];
        // SAFETY: the path ends with a NUL and lives until the call has returned; the kernel is told the buffer's size, and writes no null
        // byte behind.
        using var name = new CString(path, stackalloc byte[CString.BufferSize]);
        long length = C.readlink(name.Pointer, target, Longest);
        return length is < 0 or Longest ? null : Encoding.UTF8.GetString(target, (int)length);
    }
}
