using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

/// <summary>libc, by its own names. Each function throws <see cref="SystemCallException"/> where the call fails, unless it returns an <see cref="IOResult"/>.</summary>
public static partial class Libc
{
    /// <summary>CoreCLR resolves this name to libc.so.6; the native compiler links it directly (DirectPInvoke).</summary>
    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint sys_syscall(nint number, nint a, nint b, nint c, nint d, nint e);
}
