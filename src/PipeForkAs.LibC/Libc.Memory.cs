namespace PipeForkAs.LibC;

/// <summary>Operations that are permanently forbidden on a file in memory; fcntl(2), F_ADD_SEALS.</summary>
[Flags]
public enum FileSeals
{
    /// <summary>Adding seals.</summary>
    F_SEAL_SEAL = 1,

    /// <summary>Making it shorter.</summary>
    F_SEAL_SHRINK = 2,

    /// <summary>Making it longer.</summary>
    F_SEAL_GROW = 4,

    /// <summary>Writing to it.</summary>
    F_SEAL_WRITE = 8,
}

public static unsafe partial class Libc
{
    /// <summary>memfd_create(2) with <c>MFD_CLOEXEC | MFD_ALLOW_SEALING</c>: a file that lives in memory while a process has it open.
    /// </summary>
    /// <param name="name">The name in /proc: at most 249 bytes.</param>
    public static FileDescriptor memfd_create(string name)
    {
        // SAFETY: the name ends with a NUL and lives until the call has returned.
        using var text = new CString(name, stackalloc byte[CString.BufferSize]);
        return new(Check.Result(C.memfd_create(text.Pointer, C.MFD_CLOEXEC | C.MFD_ALLOW_SEALING),
            $"memfd_create(\"{name}\", MFD_CLOEXEC | MFD_ALLOW_SEALING)"));
    }

    /// <summary>fcntl(2) <c>F_ADD_SEALS</c>: a process that gets the file can rely on the seals from now on.</summary>
    public static void add_seals(FileDescriptor file, FileSeals seals) =>
        Check.Result(C.fcntl(file.Number, C.F_ADD_SEALS, (int)seals), $"fcntl({file}, F_ADD_SEALS, {seals})");

    /// <summary>fcntl(2) <c>F_GET_SEALS</c>.</summary>
    public static FileSeals get_seals(FileDescriptor file) =>
        (FileSeals)Check.Result(C.fcntl(file.Number, C.F_GET_SEALS, 0), $"fcntl({file}, F_GET_SEALS)");

    /// <summary>getrandom(2) of up to 256 bytes: the kernel returns them at once and completely, once its source is ready after a boot.
    /// </summary>
    public static byte[] getrandom(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 256);
        var bytes = new byte[count];
        // SAFETY: the buffer is pinned for the call, and the call passes its length to the kernel.
        fixed (byte* start = bytes)
        {
            IOResult result;
            do
                result = Check.Count(Own.getrandom(start, (nuint)count, 0));
            while (result.Errno == Errno.EINTR);
            return result.OrThrow("getrandom()") == count
                ? bytes
                : throw new InvalidOperationException("getrandom returned fewer bytes than it guarantees");
        }
    }
}
