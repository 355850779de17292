using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

/// <summary>Queries the name service switch with a reentrant function: getpwnam_r(3), getgrnam_r(3), getspnam_r(3) and similar ones.
/// Repeats the call after a signal, and with a larger buffer, up to <see cref="MaxBytes"/>, while an entry does not fit.
/// </summary>
internal static unsafe class LookUp
{
    public const int FirstBytes = 4096;

    public const int MaxBytes = 4 * 1024 * 1024;

    public delegate int Call<TEntry>(TEntry* entry, byte* buffer, nuint size, TEntry** result)
        where TEntry : unmanaged;

    /// <summary>Copies the needed values from an entry, whose strings are in the buffer.</summary>
    public delegate TResult Copy<TEntry, TResult>(in TEntry entry)
        where TEntry : unmanaged;

    /// <summary>Finds an entry. Null if there is none.</summary>
    /// <param name="call">The function.</param>
    /// <param name="copy">Creates the result from an entry.</param>
    /// <param name="meansAbsent">Whether an error of the function means that there is no such entry.</param>
    /// <param name="text">The call and its arguments, for messages.</param>
    /// <exception cref="SystemCallException">The function failed; also with <c>ERANGE</c> at the largest buffer.</exception>
    public static TResult? Find<TEntry, TResult>(
        Call<TEntry> call, Copy<TEntry, TResult> copy, Func<Errno, bool> meansAbsent, Func<string> text)
        where TEntry : unmanaged
        where TResult : class
    {
        for (int size = FirstBytes; ; size *= 4)
        {
            // SAFETY: the function gets the buffer with its size, and its result is copied before the buffer is freed. The buffer is
            // zeroed, so that all of it may be read.
            byte* buffer = (byte*)NativeMemory.AllocZeroed((nuint)size);
            try
            {
                TEntry entry;
                TEntry* result = null;
                int error;
                do
                    error = call(&entry, buffer, (nuint)size, &result);
                while (error == Errno.EINTR.Value);
                if (error == Errno.ERANGE.Value && size < MaxBytes)
                    continue;
                if (error != 0 && meansAbsent(new Errno(error)))
                    return null;
                Check.ErrorNumber(error, text);
                return result is null ? null : copy(in *result);
            }
            finally
            {
                // An entry of passwd(5), group(5) and shadow(5) may contain the hash of a password.
                NativeMemory.Clear(buffer, (nuint)size);
                NativeMemory.Free(buffer);
            }
        }
    }

    /// <summary>Returns false: every error is a failure.</summary>
    public static bool Never(Errno error) => false;

    /// <summary>Whether the error is one that getpwnam(3) and getgrnam(3) list for "the given name or uid was not found".</summary>
    public static bool NotFound(Errno error) => IsNoEntry(error) || error == Errno.EBADF || error == Errno.EPERM;

    /// <summary>Whether the error is one that a name service returns if it has no such entry. Not <c>EPERM</c>: an account that cannot be
    /// checked is not an account without an entry.
    /// </summary>
    public static bool IsNoEntry(Errno error) => error == Errno.ENOENT || error == Errno.ESRCH;

    // SAFETY: libc ends each string of an entry with a NUL; a null pointer gives null.
    public static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}
