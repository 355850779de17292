using System.Runtime.InteropServices;

namespace PipeForkAs.LibC;

/// <summary>When an account's password and the account itself end; shadow(5). Days count from 1970-01-01; -1 stands for none.</summary>
/// <param name="LastChange">The day of the password's last change; 0: it must be changed at the next login.</param>
/// <param name="MaximumAge">Days for which a password is good.</param>
/// <param name="Inactive">Days after that in which the account may still be used.</param>
/// <param name="Expires">The day from which on the account is disabled.</param>
public sealed record ShadowEntry(long LastChange, long MaximumAge, long Inactive, long Expires);

public static unsafe partial class Libc
{
    /// <summary>getspnam_r(3): asks the name service switch; may wait for the network. Null where there is none. The password is not read.</summary>
    public static ShadowEntry? getspnam(string name)
    {
        for (int size = 4096; ; size *= 4)
        {
            byte* buffer = (byte*)NativeMemory.AllocZeroed((nuint)size);
            try
            {
                Own.spwd entry;
                Own.spwd* result;
                int error;
                // SAFETY: libc is told the buffer's size; the numbers are copied before the buffer goes.
                do
                    error = Own.getspnam_r(Check.NoNul(name), &entry, buffer, (nuint)size, &result);
                while (error == Errno.EINTR.Value);
                if (error == Errno.ERANGE.Value && size < MaxEntryBytes)
                    continue;
                if (error == Errno.ENOENT.Value || error == Errno.ESRCH.Value)
                    return null;
                Check.ErrorNumber(error, $"getspnam_r(\"{name}\")");
                return result is null ? null : new ShadowEntry(entry.lastChange, entry.maximum, entry.inactive, entry.expires);
            }
            finally
            {
                // It held the password's hash.
                NativeMemory.Clear(buffer, (nuint)size);
                NativeMemory.Free(buffer);
            }
        }
    }
}
