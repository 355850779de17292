using System.Runtime.InteropServices;
using System.Text;

namespace PipeForkAs.LibC;

public static unsafe partial class Libc
{
    /// <summary>
    /// openat2(2) with <c>RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS</c>: neither links nor dots lead out of the directory. The descriptor is close-on-exec.
    /// </summary>
    public static FileDescriptor openat_beneath(FileDescriptor directory, string path, OpenFlags flags)
    {
        var how = new open_how { flags = (ulong)(flags | OpenFlags.O_CLOEXEC), resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
        byte[] name = [.. System.Text.Encoding.UTF8.GetBytes(Check.NoNul(path)), 0];
        // SAFETY: the name ends with a NUL and is pinned; the kernel is told the structure's size.
        fixed (byte* start = name)
        {
            return new(Check.Result(
                (int)sys_syscall(SYS_openat2, directory.Number, (nint)start, (nint)(&how), sizeof(open_how), 0), $"openat2({directory}, \"{path}\", {flags})"));
        }
    }

    /// <summary>mkdir(2). False where something of that name exists.</summary>
    /// <param name="path">The directory.</param>
    /// <param name="mode">Its permissions, before the umask.</param>
    public static bool mkdir(string path, uint mode)
    {
        int result = sys_mkdir(Check.NoNul(path), mode);
        if (result == -1 && Check.LastErrno == Errno.EEXIST)
            return false;
        Check.Result(result, $"mkdir(\"{path}\", {Check.Octal(mode)})");
        return true;
    }

    /// <summary>rmdir(2). False where it is in use, as a control group with living processes is; cgroups(7).</summary>
    public static bool rmdir(string path)
    {
        int result = sys_rmdir(Check.NoNul(path));
        if (result == -1 && (Check.LastErrno == Errno.EBUSY || Check.LastErrno == Errno.ENOTEMPTY))
            return false;
        Check.Result(result, $"rmdir(\"{path}\")");
        return true;
    }

    /// <summary>flock(2) with <c>LOCK_EX | LOCK_NB</c>: held as long as the descriptor is open. False where another holds it.</summary>
    public static bool flock_exclusive(FileDescriptor file)
    {
        int result = sys_flock(file.Number, LOCK_EX | LOCK_NB);
        if (result == -1 && Check.LastErrno == Errno.EAGAIN)
            return false;
        Check.Result(result, $"flock({file}, LOCK_EX | LOCK_NB)");
        return true;
    }

    /// <summary>getxattr(2) of up to 256 bytes; null where there is none of that name, or the file system has none.</summary>
    public static byte[]? getxattr(string path, string name)
    {
        byte* value = stackalloc byte[256];
        // SAFETY: the kernel is told the buffer's size.
        nint length = sys_getxattr(Check.NoNul(path), Check.NoNul(name), value, 256);
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
        // SAFETY: the kernel is told the buffer's size, and writes no null byte behind.
        nint length = sys_readlink(Check.NoNul(path), target, Longest);
        return length is < 0 or Longest ? null : Encoding.UTF8.GetString(target, (int)length);
    }

    internal const nint SYS_openat2 = 437;
    internal const ulong RESOLVE_NO_SYMLINKS = 4;
    internal const ulong RESOLVE_BENEATH = 8;

    [StructLayout(LayoutKind.Sequential)]
    internal struct open_how
    {
        public ulong flags;
        public ulong mode;
        public ulong resolve;
    }

    internal const int LOCK_EX = 2;
    internal const int LOCK_NB = 4;

    [LibraryImport(Library, EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_mkdir(string path, uint mode);

    [LibraryImport(Library, EntryPoint = "rmdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_rmdir(string path);

    [LibraryImport(Library, EntryPoint = "flock", SetLastError = true)]
    private static partial int sys_flock(int descriptor, int operation);

    [LibraryImport(Library, EntryPoint = "getxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint sys_getxattr(string path, string name, byte* value, nuint size);

    [LibraryImport(Library, EntryPoint = "readlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint sys_readlink(string path, byte* target, nuint size);
}
