using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Users;

/// <summary>
/// The system's user database through libc's name service switch. Each look-up that no cache answers has a thread of its own,
/// with a deadline: one that hangs delays only the requests that need it.
/// </summary>
internal sealed class UserDatabase(
    Loop loop, FairTurns turns, CurrentConfiguration configuration, Func<UserSelector, Account?> ask, IReadOnlyList<string> files)
    : IUserDatabase
{
    /// <summary>Files whose change ends what is cached at once, whatever its age.</summary>
    public static readonly IReadOnlyList<string> SystemFiles = ["/etc/passwd", "/etc/group", "/etc/nsswitch.conf"];

    private readonly LookUps<UserSelector, Account?> lookUps = new(
        loop, turns, configuration, "the user database", files,
        selector => LookUps.OnThread(() => ask(selector)));

    public ValueTask<Account?> FindAsync(UserSelector selector, Bucket bucket) => lookUps.FindAsync(selector, bucket);

    /// <summary>Asks libc; for <see cref="UserDatabase"/> to call on a thread that may wait.</summary>
    public static Account? AskSystem(UserSelector selector)
    {
        PasswordEntry? entry = selector.Uid is { } uid ? Libc.getpwuid(uid) : Libc.getpwnam(selector.Name!);
        if (entry is null)
            return null;

        // A name service that folds case or takes other spellings must not turn one name into another's rights unseen: the entry's own
        // name counts.
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
            // A name is for people to read: a name service that has it and fails keeps nobody from anything.
            return null;
        }
    }
}
