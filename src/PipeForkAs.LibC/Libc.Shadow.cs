namespace PipeForkAs.LibC;

/// <summary>When an account's password and the account itself end; shadow(5). Days count from 1970-01-01; -1 stands for none.</summary>
/// <param name="LastChange">The day of the password's last change; 0: it must be changed at the next login.</param>
/// <param name="MaximumAge">Days for which a password is good.</param>
/// <param name="Inactive">Days after that in which the account may still be used.</param>
/// <param name="Expires">The day from which on the account is disabled.</param>
public sealed record ShadowEntry(long LastChange, long MaximumAge, long Inactive, long Expires);

public static unsafe partial class Libc
{
    /// <summary>
    /// getspnam_r(3): asks the name service switch; may wait for the network. Null where there is none. The password is not read.
    /// </summary>
    public static ShadowEntry? getspnam(string name)
    {
        Check.NoNul(name);
        // SAFETY: LookUp gives the buffer with its size.
        return LookUp.Find(
            (Own.spwd* entry, byte* buffer, nuint size, Own.spwd** result) => Own.getspnam_r(name, entry, buffer, size, result),
            static (in Own.spwd found) => new ShadowEntry(found.lastChange, found.maximum, found.inactive, found.expires),
            LookUp.IsNoEntry, () => $"getspnam_r(\"{name}\")");
    }
}
