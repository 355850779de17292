using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Users;

public sealed class UserDatabaseTests : IDisposable
{
    private readonly ManualTime time = new();
    private readonly LoopThread thread;
    private readonly TemporaryFolder folder = new();
    private readonly Resolver resolver = new();
    private readonly CurrentConfiguration configuration = new(new DaemonOptions
    {
        Limits = { LookupTimeout = TimeSpan.FromSeconds(5), LookupCacheTime = TimeSpan.FromSeconds(60) },
    });
    private readonly string passwd;
    private readonly UserDatabase users;

    public UserDatabaseTests()
    {
        thread = new LoopThread(time);
        passwd = folder.Write("passwd", "one");
        users = new UserDatabase(thread.Loop, new FairTurns(thread.Loop), configuration, resolver.Ask, [passwd, folder.File("missing")]);
    }

    public void Dispose()
    {
        resolver.Release();
        thread.Dispose();
        folder.Dispose();
        resolver.Dispose();
    }

    [Fact]
    public async Task A_hanging_lookup_fails_only_its_own_request_at_the_deadline_with_a_clear_error()
    {
        resolver.Hanging["slow"] = true;
        Task<Account?> slow = FindAsync("slow");
        await resolver.AskedAsync(1);
        Assert.Equal("quick", (await FindAsync("quick"))!.Name);

        time.Advance(TimeSpan.FromSeconds(4.9));
        await thread.SettleAsync();
        Assert.False(slow.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.2));
        await thread.SettleAsync();
        Assert.Equal("the user database did not answer within 5 s", (await Assert.ThrowsAsync<UserLookupException>(() => slow)).Message);
    }

    [Fact]
    public async Task Concurrent_equal_lookups_share_one_call()
    {
        resolver.Hanging["alice"] = true;
        Task<Account?>[] all = [.. Enumerable.Range(0, 50).Select(_ => FindAsync("alice"))];
        await thread.SettleAsync();
        resolver.Release();
        Account?[] answers = await Task.WhenAll(all);

        Assert.Single(resolver.Asked);
        Assert.All(answers, answer => Assert.Same(answers[0], answer));
    }

    [Fact]
    public async Task A_name_and_a_uid_are_looked_up_separately()
    {
        await FindAsync("alice");
        await FindAsync(UserSelector.ById(new UserId(1000)));
        await FindAsync("1000");
        Assert.Equal(["alice", "1000"], resolver.Asked);
    }

    [Fact]
    public async Task An_answer_is_cached_for_the_configured_time_even_for_an_unknown_user()
    {
        resolver.Answer = _ => null;
        Assert.Null(await FindAsync("nobody-here"));
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.Null(await FindAsync("nobody-here"));
        Assert.Single(resolver.Asked);

        time.Advance(TimeSpan.FromSeconds(1));
        resolver.Answer = name => Resolver.Make(name, 7);
        Assert.Equal(7u, (await FindAsync("nobody-here"))!.Uid);
        Assert.Equal(2, resolver.Asked.Count);
    }

    [Fact]
    public async Task With_a_cache_time_of_zero_each_request_causes_a_lookup()
    {
        configuration.Replace(new DaemonOptions { Limits = { LookupTimeout = TimeSpan.FromSeconds(5), LookupCacheTime = TimeSpan.Zero } });
        await FindAsync("alice");
        await FindAsync("alice");
        Assert.Equal(2, resolver.Asked.Count);
    }

    [Fact]
    public async Task A_changed_file_invalidates_the_cache_at_once()
    {
        await FindAsync("alice");
        await FindAsync("bob");
        await File.WriteAllTextAsync(passwd, "changed");
        await FindAsync("alice");
        await FindAsync("bob");
        Assert.Equal(["alice", "bob", "alice", "bob"], resolver.Asked);
    }

    [Fact]
    public async Task A_file_that_appears_or_disappears_counts_as_a_change()
    {
        await FindAsync("alice");
        folder.Write("missing", "here now");
        await FindAsync("alice");
        File.Delete(passwd);
        await FindAsync("alice");
        await FindAsync("alice");
        Assert.Equal(3, resolver.Asked.Count);
    }

    [Fact]
    public async Task An_answer_from_before_a_change_is_not_used_for_later_requests()
    {
        resolver.Hanging["alice"] = true;
        resolver.Answer = name => Resolver.Make(name, 1);
        Task<Account?> before = FindAsync("alice");
        await resolver.AskedAsync(1);

        await File.WriteAllTextAsync(passwd, "changed");
        resolver.Hanging.Clear();
        resolver.Answer = name => Resolver.Make(name, 2);
        Assert.Equal(2u, (await FindAsync("alice"))!.Uid);
        resolver.Release();
        Assert.Equal(1u, (await before)!.Uid);
        Assert.Equal(2u, (await FindAsync("alice"))!.Uid);
        Assert.Equal(2, resolver.Asked.Count);
    }

    [Fact]
    public async Task While_sixteen_lookups_hang_the_next_fail_at_the_deadline_without_a_thread()
    {
        Task<Account?>[] hanging = [.. Hang(10, TestCallers.Alice), .. Hang(10, TestCallers.Bob)];
        await resolver.AskedAsync(16);
        await thread.SettleAsync();
        time.Advance(TimeSpan.FromSeconds(5));
        await thread.SettleAsync();

        foreach (Task<Account?> each in hanging)
            await Assert.ThrowsAsync<UserLookupException>(() => each);
        Assert.Equal(16, resolver.Asked.Count);

        // Lookups that timed out before their turn are removed; lookups work again once the database answers.
        resolver.Release();
        Assert.Equal("slow9", (await FindAsync("slow9"))!.Name);
        Assert.Equal(17, resolver.Asked.Count);
    }

    [Fact]
    public async Task Hanging_lookups_of_one_bucket_leave_threads_for_the_others()
    {
        _ = Hang(1000, TestCallers.Alice);
        await resolver.AskedAsync(8);
        await thread.SettleAsync();

        Assert.Equal("quick", (await FindAsync(UserSelector.Parse("quick"), TestCallers.Bob))!.Name);
        Assert.Equal(9, resolver.Asked.Count);
    }

    [Fact]
    public async Task A_lookup_that_another_bucket_also_waits_for_runs_in_the_earlier_turn()
    {
        _ = Hang(100, TestCallers.Alice);
        Task<Account?> inLine = FindAsync("wanted");
        await resolver.AskedAsync(8);

        Assert.Equal("wanted", (await FindAsync(UserSelector.Parse("wanted"), TestCallers.Bob))!.Name);
        Assert.Equal("wanted", (await inLine)!.Name);
        Assert.Equal(9, resolver.Asked.Count);
    }

    [Fact]
    public async Task Buckets_that_wait_for_a_thread_are_served_in_turn()
    {
        _ = Hang(8, TestCallers.Bob);
        _ = Hang(8, TestCallers.Carol, from: 8);
        await resolver.AskedAsync(16);
        Task<Account?>[] waiting =
        [
            .. Enumerable.Range(0, 20).Select(i => FindAsync($"alice{i}")), FindAsync(UserSelector.Parse("other"), Bucket.WithoutAccount),
        ];
        await thread.SettleAsync();
        resolver.Hanging.Clear();
        resolver.Release();
        await Task.WhenAll(waiting);

        // Two threads may start at once, so two lookups may be swapped.
        Assert.InRange(resolver.Asked.Skip(16).ToList().IndexOf("other"), 0, 10);
    }

    private Task<Account?>[] Hang(int count, Bucket bucket, int from = 0) => [.. Enumerable.Range(from, count).Select(number =>
    {
        string name = $"slow{(bucket == TestCallers.Bob && from == 0 ? "b" : "")}{number}";
        resolver.Hanging[name] = true;
        return FindAsync(UserSelector.Parse(name), bucket);
    })];

    [Fact]
    public async Task More_lookups_than_threads_run_one_after_the_other()
    {
        resolver.Hanging["slow0"] = true;
        Task<Account?>[] all = [.. Enumerable.Range(0, 100).Select(number => FindAsync($"slow{number}"))];
        resolver.Release();
        Assert.Equal(100, (await Task.WhenAll(all)).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_failure_reaches_every_waiter_with_a_clear_message_and_is_not_cached(Exception failure)
    {
        resolver.Hanging["alice"] = true;
        bool works = false;
        var failing = new UserDatabase(
            thread.Loop,
            new FairTurns(thread.Loop),
            configuration,
            selector =>
            {
                Account? account = resolver.Ask(selector);
                return works ? account : throw failure;
            },
            []);
        Task<Account?>[] all = [.. Enumerable.Range(0, 3).Select(_ => AskAsync())];
        await resolver.AskedAsync(1);
        await thread.SettleAsync();
        resolver.Release();

        foreach (Task<Account?> each in all)
            Assert.Equal(
                $"the user database failed: {failure.Message}", (await Assert.ThrowsAsync<UserLookupException>(() => each)).Message);
        works = true;
        Assert.Equal("alice", (await AskAsync())!.Name);
        Assert.Equal(2, resolver.Asked.Count);

        Task<Account?> AskAsync() => thread.RunAsync(async () => await failing.FindAsync(UserSelector.Parse("alice"), TestCallers.Alice));
    }

    public static TheoryData<Exception> Failures =>
        [Assert.Throws<SystemCallException>(() => Libc.unlink("/no/such/file")), new ArgumentException("a strange name"),
            new InvalidOperationException("anything")];

    [Fact]
    public async Task A_failure_without_a_waiter_is_not_an_unobserved_exception()
    {
        var unobserved = new List<Exception>();
        void Note(object? sender, UnobservedTaskExceptionEventArgs e) => unobserved.Add(e.Exception);
        TaskScheduler.UnobservedTaskException += Note;
        try
        {
            resolver.Hanging["late"] = true;
            var failing = new UserDatabase(
                thread.Loop,
                new FairTurns(thread.Loop),
                configuration,
                selector =>
                {
                    resolver.Ask(selector);
                    throw new InvalidOperationException("too late");
                },
                []);
            Task<Account?> asked = thread.RunAsync(async () => await failing.FindAsync(UserSelector.Parse("late"), TestCallers.Alice));
            await resolver.AskedAsync(1);
            await thread.SettleAsync();
            time.Advance(TimeSpan.FromSeconds(5));
            await thread.SettleAsync();
            await Assert.ThrowsAsync<UserLookupException>(() => asked);
            resolver.Release();
            await Task.Delay(50);
            await thread.SettleAsync();
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
            Assert.Empty(unobserved);
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= Note;
        }
    }

    [Fact]
    public void The_user_database_of_the_system_knows_root_and_its_groups()
    {
        Account root = UserDatabase.AskSystem(UserSelector.Parse("root"))!;
        Assert.Equal("root", root.GroupName);
        Assert.Equal(("root", 0u), (root.Name, root.Uid));
        Assert.Contains(0u, root.Groups);
        Assert.Equal(root.Groups.Distinct().Order(), root.Groups);
        Assert.Equal("root", UserDatabase.AskSystem(UserSelector.ById(UserId.Root))!.Name);
        Assert.Null(UserDatabase.AskSystem(UserSelector.Parse("no-such-user-here")));
        Assert.Null(UserDatabase.AskSystem(UserSelector.ById(new UserId(3_999_999_999))));
    }

    [Theory]
    [InlineData("0", 0u)]
    [InlineData("1000", 1000u)]
    [InlineData("007", 7u)]
    [InlineData("4294967295", uint.MaxValue)]
    public void A_name_of_digits_is_a_uid(string text, uint uid) =>
        Assert.Equal(UserSelector.ById(new UserId(uid)), UserSelector.Parse(text));

    [Theory]
    [InlineData("alice")]
    [InlineData("-1")]
    [InlineData("+5")]
    [InlineData("1e3")]
    [InlineData(" 5")]
    [InlineData("٣")]
    public void Any_other_text_is_a_user_name(string text) =>
        Assert.Equal((text, null), (UserSelector.Parse(text).Name, UserSelector.Parse(text).Uid));

    private Task<Account?> FindAsync(string user) => FindAsync(UserSelector.Parse(user));

    private Task<Account?> FindAsync(UserSelector user) => FindAsync(user, TestCallers.Alice);

    private Task<Account?> FindAsync(UserSelector user, Bucket bucket) => thread.RunAsync(async () => await users.FindAsync(user, bucket));
}
