namespace PipeForkAs.LibC;

/// <summary>The days on which an account's password and the account itself expire; shadow(5). Days count from 1970-01-01; -1 means none.
/// </summary>
/// <param name="LastChange">The day of the last change of the password; 0: the user must change it at the next login.</param>
/// <param name="MaximumAge">The number of days for which a password is valid.</param>
/// <param name="Inactive">The number of days after that in which the account may still be used.</param>
/// <param name="Expires">The first day on which the account is disabled.</param>
public sealed record ShadowEntry(long LastChange, long MaximumAge, long Inactive, long Expires);

public static unsafe partial class Libc
{
    /// <summary>getspnam_r(3): queries the name service switch; may wait for the network. Null if there is no entry. It does not return the
    /// password.
    /// </summary>
    public static ShadowEntry? getspnam(string name)
    {
        Check.NoNul(name);
        // SAFETY: LookUp passes the buffer with its size.
        return LookUp.Find(
            (Own.spwd* entry, byte* buffer, nuint size, Own.spwd** result) => Own.getspnam_r(name, entry, buffer, size, result),
            static (in Own.spwd found) => new ShadowEntry(found.lastChange, found.maximum, found.inactive, found.expires),
            LookUp.IsNoEntry, () => $"getspnam_r(\"{name}\")");
    }
}
