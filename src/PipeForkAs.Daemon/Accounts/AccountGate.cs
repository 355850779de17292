using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Accounts;

/// <summary>
/// Refuses accounts that are disabled: no job runs as somebody who could not log in any more. Whatever can block is asked off the loop,
/// with a deadline; no answer is a refusal.
/// </summary>
internal sealed class AccountGate(Loop loop, DaemonOptions options, Func<string, ShadowEntry?> shadow, Func<string, string, Task<string?>> pam)
{
    /// <summary>Questions at once to the shadow database. Where so many hang, one more would hang as well.</summary>
    private const int MaxThreads = 16;

    private const int MaxCached = 4096;

    /// <summary>Files whose change ends what is cached at once, whatever its age.</summary>
    private static readonly string[] Files = ["/etc/shadow", "/etc/nsswitch.conf"];

    private readonly Dictionary<string, (ShadowEntry? Entry, long Expires)> cache = new(StringComparer.Ordinal);
    private readonly WatchedFiles watched = new(loop, Files);
    private readonly Turnstile threads = new(MaxThreads);
    private int changes;

    /// <summary>Lets an account pass.</summary>
    /// <exception cref="RefusedException">It is disabled; the message says why.</exception>
    /// <exception cref="UserLookupException">Nobody could say in time.</exception>
    public async ValueTask PassAsync(Account account)
    {
        if (options.Policy.RefuseDisabledAccounts)
        {
            string? problem = DisabledAccount.ShellProblem(account.Shell)
                ?? DisabledAccount.ShadowProblem(await ShadowAsync(account.Name), DateOnly.FromDateTime(loop.Time.GetUtcNow().UtcDateTime));
            if (problem is not null)
                throw new RefusedException(ReplyCode.Denied, $"the account \"{account.Name}\" is disabled: {problem} (Policy:RefuseDisabledAccounts)");
        }

        if (options.Policy.PamService is { } service && await pam(service, account.Name) is { } refusal)
            throw new RefusedException(ReplyCode.Denied, $"the account \"{account.Name}\" is refused by the PAM service \"{service}\": {refusal} (Policy:PamService)");
    }

    private async Task<ShadowEntry?> ShadowAsync(string name)
    {
        NoticeChange();
        if (cache.TryGetValue(name, out (ShadowEntry? Entry, long Expires) known) && known.Expires > loop.Time.GetTimestamp())
            return known.Entry;
        var late = new TaskCompletionSource<ShadowEntry?>();
        using LoopTimer deadline = loop.Schedule(options.Limits.LookupTimeout, () => late.SetException(Late()));
        return await await Task.WhenAny(AskAsync(name, late.Task), late.Task);
    }

    private UserLookupException Late() => new($"the shadow database did not answer within {options.Limits.LookupTimeout.TotalSeconds:0.###} s");

    private async Task<ShadowEntry?> AskAsync(string name, Task late)
    {
        if (!await threads.EnterAsync(late))
            throw Late();
        int changesBefore = changes;
        try
        {
            ShadowEntry? entry = await Task.Factory.StartNew(() => shadow(name), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            NoticeChange();
            if (changes == changesBefore && options.Limits.LookupCacheTime > TimeSpan.Zero)
                Keep(name, entry);
            return entry;
        }
        catch (SystemCallException failure)
        {
            string hint = failure.Errno == Errno.EACCES ? "; where it is closed to root, the daemon's unit needs CAP_DAC_READ_SEARCH" : "";
            throw new UserLookupException($"the shadow database failed: {failure.Message}{hint}", failure);
        }
        finally
        {
            threads.Leave();
        }
    }

    private void Keep(string name, ShadowEntry? entry)
    {
        if (cache.Count >= MaxCached)
            cache.Clear();
        cache[name] = (entry, loop.Time.GetTimestamp() + (long)(options.Limits.LookupCacheTime.TotalSeconds * loop.Time.TimestampFrequency));
    }

    /// <summary>Where a file changed since it was last looked at, nothing cached counts, and nothing that is being read: it may be of before.</summary>
    private void NoticeChange()
    {
        if (!watched.HaveChanged())
            return;
        changes++;
        cache.Clear();
    }
}
