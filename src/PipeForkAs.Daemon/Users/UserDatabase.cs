using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Users;

/// <summary>
/// The system's user database through libc's name service switch. Each look-up that no cache answers has a thread of its own,
/// with a deadline: one that hangs delays only the requests that need it. All but the look-ups themselves runs on the loop.
/// </summary>
internal sealed class UserDatabase(Loop loop, LimitOptions limits, Func<UserSelector, Account?> ask, IReadOnlyList<string> files) : IUserDatabase
{
    /// <summary>Look-ups at once. More wait for one of these to end: where they all hang the database is down, and more threads would not help.</summary>
    private const int MaxThreads = 16;

    private const int MaxCached = 4096;

    /// <summary>Files whose change ends what is cached at once, whatever its age.</summary>
    public static readonly IReadOnlyList<string> SystemFiles = ["/etc/passwd", "/etc/group", "/etc/nsswitch.conf"];

    private readonly Dictionary<UserSelector, (Account? Account, long Expires)> cache = [];
    private readonly Dictionary<UserSelector, LookUp> asked = [];
    private readonly LinkedList<LookUp> waiting = new();
    private readonly WatchedFiles watched = new(loop, files);
    private int threads;
    private int changes;

    public async ValueTask<Account?> FindAsync(UserSelector selector)
    {
        if (TryCache(selector, out Account? known))
            return known;

        if (!asked.TryGetValue(selector, out LookUp? lookUp))
        {
            lookUp = new LookUp(selector);
            asked.Add(selector, lookUp);
            waiting.AddLast(lookUp);
            StartNext();
        }

        return await AnswerAsync(lookUp);
    }

    /// <summary>Asks libc; for <see cref="UserDatabase"/> to call on a thread that may wait.</summary>
    public static Account? AskSystem(UserSelector selector)
    {
        PasswordEntry? entry = selector.Uid is { } uid ? Libc.getpwuid(uid) : Libc.getpwnam(selector.Name!);
        if (entry is null)
            return null;

        // A name service that folds case or takes other spellings must not turn one name into another's rights unseen: the entry's own name counts.
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

    private async ValueTask<Account?> AnswerAsync(LookUp lookUp)
    {
        var late = new TaskCompletionSource<Account?>();
        using LoopTimer deadline = loop.Schedule(limits.LookupTimeout, () => late.SetException(
            new UserLookupException($"the user database did not answer within {limits.LookupTimeout.TotalSeconds:0.###} s")));
        lookUp.Askers++;
        try
        {
            return await await Task.WhenAny(lookUp.Answer.Task, late.Task);
        }
        catch (Exception failure) when (failure is not UserLookupException)
        {
            throw new UserLookupException($"the user database failed: {failure.Message}", failure);
        }
        finally
        {
            // Nobody waits for its turn any more.
            if (--lookUp.Askers == 0 && waiting.Remove(lookUp))
                Forget(lookUp);
        }
    }

    /// <summary>Starts what waits for a thread, as long as there is one.</summary>
    private void StartNext()
    {
        while (threads < MaxThreads && waiting.First is { } first)
        {
            waiting.RemoveFirst();
            _ = RunAsync(first.Value);
        }
    }

    private async Task RunAsync(LookUp lookUp)
    {
        threads++;
        int changesBefore = changes;
        lookUp.IsStarted = true;
        try
        {
            Account? account = await Task.Factory.StartNew(
                () => ask(lookUp.Selector), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            if (changes == changesBefore)
                Keep(lookUp.Selector, account);
            lookUp.Answer.SetResult(account);
        }
#pragma warning disable CA1031 // Whatever it is, whoever asked is told.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            lookUp.Answer.TrySetException(failure);
            _ = lookUp.Answer.Task.Exception; // All who asked may have gone meanwhile.
        }
        finally
        {
            threads--;
            Forget(lookUp);
            StartNext();
        }
    }

    private void Keep(UserSelector selector, Account? account)
    {
        if (limits.LookupCacheTime == TimeSpan.Zero)
            return;
        if (cache.Count >= MaxCached)
            cache.Clear();
        cache[selector] = (account, loop.Time.GetTimestamp() + (long)(limits.LookupCacheTime.TotalSeconds * loop.Time.TimestampFrequency));
    }

    private void Forget(LookUp lookUp)
    {
        if (asked.GetValueOrDefault(lookUp.Selector) == lookUp)
            asked.Remove(lookUp.Selector);
    }

    private bool TryCache(UserSelector selector, out Account? account)
    {
        NoticeChange();
        if (cache.TryGetValue(selector, out (Account? Account, long Expires) entry))
        {
            account = entry.Account;
            if (entry.Expires > loop.Time.GetTimestamp())
                return true;
            cache.Remove(selector);
        }

        account = null;
        return false;
    }

    /// <summary>Where one of the files changed since it was last looked at, nothing cached counts, and nothing that is being read: it may be of before.</summary>
    private void NoticeChange()
    {
        if (!watched.HaveChanged())
            return;
        changes++;
        cache.Clear();
        foreach (LookUp started in asked.Values.Where(lookUp => lookUp.IsStarted).ToArray())
            Forget(started);
    }

    /// <summary>A look-up that was asked for, by one request or several.</summary>
    private sealed class LookUp(UserSelector selector)
    {
        public UserSelector Selector { get; } = selector;

        public TaskCompletionSource<Account?> Answer { get; } = new();

        /// <summary>How many requests wait for the answer.</summary>
        public int Askers { get; set; }

        /// <summary>Whether a thread has begun with it.</summary>
        public bool IsStarted { get; set; }
    }
}
