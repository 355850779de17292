using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

/// <summary>What can never be done again to a file in memory; fcntl(2), F_ADD_SEALS.</summary>
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
    /// <summary>memfd_create(2) with <c>MFD_CLOEXEC | MFD_ALLOW_SEALING</c>: a file that lives in memory as long as somebody has it open.</summary>
    /// <param name="name">What /proc shows of it: at most 249 bytes.</param>
    public static FileDescriptor memfd_create(string name) =>
        new(Check.Result(sys_memfd_create(Check.NoNul(name), MFD_CLOEXEC | MFD_ALLOW_SEALING), $"memfd_create(\"{name}\", MFD_CLOEXEC | MFD_ALLOW_SEALING)"));

    /// <summary>fcntl(2) <c>F_ADD_SEALS</c>: who gets the file can rely on it from now on.</summary>
    public static void add_seals(FileDescriptor file, FileSeals seals) =>
        Check.Result(sys_fcntl(file.Number, F_ADD_SEALS, (int)seals), $"fcntl({file}, F_ADD_SEALS, {seals})");

    /// <summary>fcntl(2) <c>F_GET_SEALS</c>.</summary>
    public static FileSeals get_seals(FileDescriptor file) => (FileSeals)Check.Result(sys_fcntl(file.Number, F_GET_SEALS, 0), $"fcntl({file}, F_GET_SEALS)");

    /// <summary>getrandom(2) of up to 256 bytes, which come at once and whole once the kernel's source is ready after a boot.</summary>
    public static byte[] getrandom(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 256);
        var bytes = new byte[count];
        // SAFETY: the buffer is pinned for the call and its length is what the kernel is told.
        fixed (byte* start = bytes)
        {
            IOResult result;
            do
                result = Check.Count(sys_getrandom(start, (nuint)count, 0));
            while (result.Errno == Errno.EINTR);
            return result.OrThrow("getrandom()") == count ? bytes : throw new InvalidOperationException("getrandom gave less than it promises");
        }
    }

    internal const uint MFD_CLOEXEC = 1;
    internal const uint MFD_ALLOW_SEALING = 2;
    internal const int F_ADD_SEALS = 1033;
    internal const int F_GET_SEALS = 1034;

    [LibraryImport(Library, EntryPoint = "getrandom", SetLastError = true)]
    private static partial nint sys_getrandom(byte* buffer, nuint length, uint flags);

    [LibraryImport(Library, EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int sys_memfd_create(string name, uint flags);
}
