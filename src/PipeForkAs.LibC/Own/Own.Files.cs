using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

internal static unsafe partial class Own
{
    internal const int LOCK_EX = 2;
    internal const int LOCK_NB = 4;
    internal const uint RENAME_NOREPLACE = 1;

    // The package's function would set the last error. After a failed call, the caller may still have to read that error when cleanup
    // closes a descriptor.
    [LibraryImport(Library, EntryPoint = "close")]
    internal static partial int close(int descriptor);

    [LibraryImport(Library, EntryPoint = "close_range", SetLastError = true)]
    internal static partial int close_range(uint first, uint last, int flags);

    [LibraryImport(Library, EntryPoint = "rename", SetLastError = true)]
    internal static partial int rename(byte* from, byte* to);

    [LibraryImport(Library, EntryPoint = "renameat2", SetLastError = true)]
    internal static partial int renameat2(int fromDirectory, byte* from, int toDirectory, byte* to, uint flags);

    [LibraryImport(Library, EntryPoint = "flock", SetLastError = true)]
    internal static partial int flock(int descriptor, int operation);

    [LibraryImport(Library, EntryPoint = "getxattr", SetLastError = true)]
    internal static partial nint getxattr(byte* path, byte* name, byte* value, nuint size);

    [LibraryImport(Library, EntryPoint = "getrandom", SetLastError = true)]
    internal static partial nint getrandom(byte* buffer, nuint length, uint flags);
}
