using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Users;

/// <summary>
/// The system's user database through libc's name service switch. Each look-up that no cache answers has a thread of its own,
/// with a deadline: one that hangs delays only the requests that need it. All but the look-ups themselves runs on the loop.
/// </summary>
internal sealed class UserDatabase(Loop loop, LimitOptions limits, Func<UserSelector, Account?> ask) : IUserDatabase
{
    /// <summary>More look-ups than this that hang at once: the database is down, and more threads would not help.</summary>
    private const int MaxThreads = 16;

    private const int MaxCached = 4096;

    /// <summary>Files whose change ends what is cached at once, whatever its age.</summary>
    private static readonly string[] Files = ["/etc/passwd", "/etc/group", "/etc/nsswitch.conf"];

    private readonly Dictionary<UserSelector, (Account? Account, long Expires)> cache = [];
    private readonly Dictionary<UserSelector, Task<Account?>> asked = [];
    private readonly FileStatus?[] seen = new FileStatus?[Files.Length];

    public async ValueTask<Account?> FindAsync(UserSelector selector)
    {
        if (TryCache(selector, out Account? known))
            return known;

        if (!asked.TryGetValue(selector, out Task<Account?>? answer))
        {
            if (asked.Count >= MaxThreads)
                throw new UserLookupException($"the user database does not answer: {MaxThreads} look-ups wait for it");
            answer = Task.Factory.StartNew(() => ask(selector), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            asked.Add(selector, answer);
            _ = KeepAsync(selector, answer);
        }

        Task first = await Task.WhenAny(answer, loop.DelayAsync(limits.LookupTimeout));
        if (first != answer)
            throw new UserLookupException($"the user database did not answer within {limits.LookupTimeout.TotalSeconds:0.###} s");
        try
        {
            return await answer;
        }
        catch (SystemCallException failure)
        {
            throw new UserLookupException($"the user database failed: {failure.Message}", failure);
        }
    }

    /// <summary>Asks libc; for <see cref="UserDatabase"/> to call on a thread that may wait.</summary>
    public static Account? AskSystem(UserSelector selector)
    {
        PasswordEntry? entry = selector.Uid is { } uid ? Libc.getpwuid(uid) : Libc.getpwnam(selector.Name!);
        if (entry is null)
            return null;

        // A name service that folds case or takes other spellings must not turn one name into another's rights unseen: the entry's own name counts.
        uint[] groups = [.. Libc.getgrouplist(entry.Name, entry.Gid).Select(group => group.Value).Distinct().Order()];
        return new Account(entry.Name, entry.Uid.Value, entry.Gid.Value, groups, entry.Home, entry.Shell);
    }

    private async Task KeepAsync(UserSelector selector, Task<Account?> answer)
    {
        try
        {
            Account? account = await answer;
            if (limits.LookupCacheTime > TimeSpan.Zero)
            {
                if (cache.Count >= MaxCached)
                    cache.Clear();
                cache[selector] = (account, loop.Time.GetTimestamp() + (long)(limits.LookupCacheTime.TotalSeconds * loop.Time.TimestampFrequency));
            }
        }
        catch (SystemCallException)
        {
            // Whoever asked is told.
        }
        finally
        {
            asked.Remove(selector);
        }
    }

    private bool TryCache(UserSelector selector, out Account? account)
    {
        account = null;
        if (!cache.TryGetValue(selector, out (Account? Account, long Expires) entry))
        {
            if (cache.Count == 0)
                NoticeChange();
            return false;
        }

        if (NoticeChange() || entry.Expires <= loop.Time.GetTimestamp())
        {
            cache.Remove(selector);
            return false;
        }

        account = entry.Account;
        return true;
    }

    /// <summary>Whether one of the files changed since it was last looked at; if so, nothing cached counts.</summary>
    private bool NoticeChange()
    {
        bool changed = false;
        for (int i = 0; i < Files.Length; i++)
        {
            FileStatus? now = Libc.stat(Files[i]);
            changed |= now != seen[i];
            seen[i] = now;
        }

        if (changed)
            cache.Clear();
        return changed;
    }
}
