using System.Globalization;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Accounts;

/// <summary>
/// Decides whether an account is disabled. A locked password alone does not disable an account: accounts without a password, whose users
/// log in with keys, also have one. usermod(8) says to let an account expire in order to disable it as a whole, and pam_unix(8) follows the
/// same rule.
/// </summary>
internal static class DisabledAccount
{
    private static readonly DateOnly Epoch = new(1970, 1, 1);

    /// <summary>Returns why a shell does not permit a login; null if it does.</summary>
    public static string? ShellProblem(string shell) =>
        Path.GetFileName(shell.AsSpan()) is "nologin" or "false" ? $"its shell is {shell}" : null;

    /// <summary>
    /// Returns why an account has expired; null if it has not. The rules are those of pam_unix (check_shadow_expiry in its passverify.c).
    /// </summary>
    public static string? ShadowProblem(ShadowEntry? shadow, DateOnly today)
    {
        if (shadow is null)
            return null;
        long day = today.DayNumber - Epoch.DayNumber;
        if (shadow.Expires >= 0 && day >= shadow.Expires)
            return string.Create(CultureInfo.InvariantCulture, $"it expired on day {shadow.Expires} since 1970-01-01, today is day {day}");

        // A last change of 0 demands a new password at the next login, and expires nothing.
        bool passwordAges = shadow.LastChange > 0 && shadow.MaximumAge >= 0 && shadow.Inactive >= 0;
        long age = day - shadow.LastChange;
        return passwordAges && age > shadow.MaximumAge && age - shadow.MaximumAge > shadow.Inactive
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"its password was not changed for {age} days, the limit is {shadow.MaximumAge} and {shadow.Inactive} more")
            : null;
    }
}
