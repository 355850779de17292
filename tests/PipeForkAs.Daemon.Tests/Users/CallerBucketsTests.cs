using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Users;

public sealed class CallerBucketsTests : IUserDatabase, IDisposable
{
    private static readonly UserId Alice = new(1001), Subordinate = new(165_540);
    private readonly ManualTime time = new();
    private readonly LoopThread thread;
    private readonly CallerBuckets buckets;
    private readonly HashSet<UserId> accounts = [Alice];
    private readonly List<(UserId Uid, Bucket Bucket)> asked = [];
    private TaskCompletionSource<Account?>? slow;
    private bool fails;

    public CallerBucketsTests()
    {
        thread = new LoopThread(time);
        buckets = new CallerBuckets(
            thread.Loop, new CurrentConfiguration(new DaemonOptions { Limits = { LookupCacheTime = TimeSpan.FromSeconds(5) } }), this);
    }

    public void Dispose() => thread.Dispose();

    [Fact]
    public async Task A_uid_has_the_bucket_of_its_account_or_shares_one_with_all_unknown_uids()
    {
        Assert.Equal(Bucket.Root, await KnownAsync(UserId.Root));
        Assert.Null(await KnownAsync(Alice));
        Assert.Equal(Bucket.OfAccount(Alice), await FindAsync(Alice));
        Assert.Equal(Bucket.WithoutAccount, await FindAsync(Subordinate));
        Assert.Equal([(Alice, Bucket.OfUnknown(Alice)), (Subordinate, Bucket.OfUnknown(Subordinate))], asked);

        Assert.Equal(Bucket.OfAccount(Alice), await KnownAsync(Alice));
        Assert.Equal(Bucket.WithoutAccount, await KnownAsync(Subordinate));
        Assert.Equal(2, asked.Count);
    }

    [Fact]
    public async Task A_known_bucket_stays_valid_while_it_is_looked_up_again()
    {
        await FindAsync(Subordinate);
        accounts.Add(Subordinate);
        time.Advance(TimeSpan.FromSeconds(5));
        slow = new TaskCompletionSource<Account?>();
        Assert.Equal(Bucket.WithoutAccount, await KnownAsync(Subordinate));
        Assert.Equal(Bucket.WithoutAccount, await KnownAsync(Subordinate));
        Assert.Equal(2, asked.Count);

        await thread.RunAsync(() => slow.SetResult(Tests.Users.Resolver.Make("new", Subordinate.Value)));
        Assert.Equal(Bucket.OfAccount(Subordinate), await KnownAsync(Subordinate));
        Assert.Equal(2, asked.Count);
    }

    [Fact]
    public async Task While_the_user_database_fails_new_uids_share_a_bucket_and_known_uids_keep_theirs()
    {
        await FindAsync(Alice);
        slow = new TaskCompletionSource<Account?>();
        Task<Bucket> waiting = FindAsync(new UserId(1002));
        await thread.SettleAsync();
        Assert.False(waiting.IsCompleted);
        time.Advance(CallerBuckets.Patience);
        await thread.SettleAsync();
        Assert.Equal(Bucket.WithoutAccount, await waiting);

        (slow, fails) = (null, true);
        Assert.Equal(Bucket.WithoutAccount, await FindAsync(new UserId(1003)));
        Assert.Null(await KnownAsync(new UserId(1003)));
        time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(Bucket.OfAccount(Alice), await KnownAsync(Alice));
        Assert.Equal(Bucket.OfAccount(Alice), await KnownAsync(Alice));
    }

    [Fact]
    public async Task A_flood_of_65000_uids_without_accounts_evicts_no_account()
    {
        await FindAsync(Alice);
        await thread.RunAsync(async () =>
        {
            for (uint i = 0; i < 65_536; i++)
                Assert.Equal(Bucket.WithoutAccount, await buckets.FindAsync(new UserId(Subordinate.Value + i)));
        });
        Assert.Equal(Bucket.OfAccount(Alice), await KnownAsync(Alice));
    }

    ValueTask<Account?> IUserDatabase.FindAsync(UserSelector selector, Bucket bucket)
    {
        UserId uid = selector.Uid!.Value;
        asked.Add((uid, bucket));
        if (fails)
            throw new UserLookupException("down");
        return slow is not null ? new(slow.Task) : new(accounts.Contains(uid) ? Tests.Users.Resolver.Make("user", uid.Value) : null);
    }

    private Task<Bucket> FindAsync(UserId uid) => thread.RunAsync(() => buckets.FindAsync(uid));

    private Task<Bucket?> KnownAsync(UserId uid) => thread.RunAsync(
        () => Task.FromResult<Bucket?>(buckets.TryFind(uid, out Bucket bucket) ? bucket : null));
}
