using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Users;

/// <summary>
/// The user database of the system, through libc's name service switch. Each lookup that the cache does not answer has its own thread and a
/// deadline: a lookup that hangs delays only the requests that need it.
/// </summary>
internal sealed class UserDatabase(
    Loop loop, FairTurns turns, CurrentConfiguration configuration, Func<UserSelector, Account?> ask, IReadOnlyList<string> files)
    : IUserDatabase
{
    /// <summary>Files whose change ends the use of cached answers at once, whatever their age.</summary>
    public static readonly IReadOnlyList<string> SystemFiles = ["/etc/passwd", "/etc/group", "/etc/nsswitch.conf"];

    private readonly LookUps<UserSelector, Account?> lookUps = new(
        loop, turns, configuration, "the user database", files,
        selector => LookUps.OnThread(() => ask(selector)));

    public ValueTask<Account?> FindAsync(UserSelector selector, Bucket bucket) => lookUps.FindAsync(selector, bucket);

    /// <summary>Looks a user up with libc; <see cref="UserDatabase"/> calls this on a thread that can block.</summary>
    public static Account? AskSystem(UserSelector selector)
    {
        PasswordEntry? entry = selector.Uid is { } uid ? Libc.getpwuid(uid) : Libc.getpwnam(selector.Name!);
        if (entry is null)
            return null;

        // A name service that folds case or accepts other spellings must not silently give one name the rights of another: use the name of
        // the entry itself.
        uint[] groups = [.. Libc.getgrouplist(entry.Name, entry.Gid).Select(group => group.Value).Distinct().Order()];
        return new Account(entry.Name, entry.Uid.Value, entry.Gid.Value, groups, entry.Home, entry.Shell) { GroupName = NameOf(entry.Gid) };
    }

    private static string? NameOf(GroupId group)
    {
        try
        {
            return Libc.getgrgid_name(group);
        }
        catch (SystemCallException)
        {
            // The name is only for display: if a name service that has it fails, that must not stop a request.
            return null;
        }
    }
}
