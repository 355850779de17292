using Tmds.Linux;

namespace PipeForkAs.LibC;

/// <summary>The functions of libc, under their own names. Each function throws <see cref="SystemCallException"/> if the call fails, unless
/// it returns an <see cref="IOResult"/>.
/// </summary>
public static unsafe partial class Libc
{
    /// <summary>syscall(2), for calls that libc supports not at all or only in part. Pointers are numbers here.</summary>
    private static nint Syscall(nint number, nint a, nint b, nint c, nint d, nint e) =>
        (nint)(long)(ssize_t)C.syscall((void*)number, (void*)a, (void*)b, (void*)c, (void*)d, (void*)e);
}
