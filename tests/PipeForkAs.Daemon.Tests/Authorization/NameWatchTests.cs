using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Authorization;

/// <summary>Tests names in rules that appear, disappear, or get another id while the daemon runs.</summary>
public sealed class NameWatchTests : IDisposable
{
    private readonly ManualTime time = new();
    private readonly LoopThread thread;
    private readonly TemporaryFolder folder = new();
    private readonly ChangingUsers users = new();
    private readonly LogLines log = new();
    private readonly DaemonOptions options = new();
    private PolicyAuthorizer? authorizer;
    private NameWatch? names;
    private int changes;

    public NameWatchTests()
    {
        thread = new LoopThread(time);
        users.Add("root", 0);
        users.Add("alice", 1001);
    }

    public void Dispose()
    {
        names?.End();
        users.Release();
        thread.Dispose();
        folder.Dispose();
        users.Dispose();
    }

    [Fact]
    public async Task The_first_request_by_a_new_user_that_a_rule_names_is_allowed()
    {
        await StartAsync(Rule("own", "carol", "self"));
        Assert.False(await AllowsAsync(1003, "1003"));
        users.Add("carol", 1003);
        Changed();
        Assert.True(await AllowsAsync(1003, "1003"));
        Assert.Contains("the user \"carol\" has the id 1003 now; the rules that name it apply from now on", log.Lines);
    }

    [Theory]
    [InlineData("carol")]
    [InlineData("1003")]
    public async Task The_first_request_for_a_new_user_that_a_rule_names_is_allowed(string user)
    {
        await StartAsync(Rule("panel", "alice", "carol"));
        Assert.False(await AllowsAsync(1001, user));
        users.Add("carol", 1003);
        Changed();
        Assert.True(await AllowsAsync(1001, user));
    }

    [Fact]
    public async Task A_new_group_applies_to_the_first_request_by_or_for_a_member()
    {
        await StartAsync(
            Rule("no interns", "@interns", "*", deny: true), Rule("operators", "@operators", "@customers"), Rule("self", "*", "self"));
        users.Add("bob", 1002, 51);
        Assert.True(await AllowsAsync(1001, "1001", 50));
        Assert.False(await AllowsAsync(1001, "bob", 50));

        users.Groups["operators"] = 50;
        users.Groups["customers"] = 51;
        users.Groups["interns"] = 52;
        Changed();
        Assert.True(await AllowsAsync(1001, "bob", 50));
        Assert.False(await AllowsAsync(1001, "bob", 50, 52));
        Assert.False(await AllowsAsync(1001, "1001", 52));
    }

    [Fact]
    public async Task A_new_user_sees_its_jobs_at_once()
    {
        await StartAsync(Rule("own", "carol", "self"), Rule("panel", "alice", "carol"));
        Assert.False(await SeesAsync(1003));
        Assert.False(await SeesAsync(1001));
        users.Add("carol", 1003);
        Changed();
        Assert.True(await SeesAsync(1001));
        Assert.True(await SeesAsync(1003));
    }

    [Fact]
    public async Task A_rule_follows_its_user_to_another_uid_and_never_allows_the_next_owner_of_the_old_uid()
    {
        users.Add("carol", 1003);
        await StartAsync(Rule("own", "carol", "self"), Rule("panel", "alice", "carol"));
        Assert.True(await AllowsAsync(1003, "1003"));
        users.Remove("carol");
        Changed();
        Assert.False(await AllowsAsync(1003, "1003"));

        users.Add("dave", 1003);
        users.Add("carol", 1004);
        Changed();
        Assert.False(await AllowsAsync(1003, "1003"));
        Assert.False(await AllowsAsync(1001, "dave"));
        Assert.False(await AllowsAsync(1001, "1003"));
        Assert.True(await AllowsAsync(1004, "1004"));
        Assert.True(await AllowsAsync(1001, "carol"));
        Assert.True(await AllowsAsync(1001, "1004"));
    }

    [Fact]
    public async Task A_rule_that_denies_follows_its_user_and_no_longer_denies_the_former_uid()
    {
        users.Add("carol", 1003);
        await StartAsync(Rule("not carol", "carol", "*", deny: true), Rule("self", "*", "self"));
        Assert.False(await AllowsAsync(1003, "1003"));
        users.Remove("carol");
        users.Add("dave", 1003);
        users.Add("carol", 1004);
        Changed();
        Assert.True(await AllowsAsync(1003, "1003"));
        Assert.False(await AllowsAsync(1004, "1004"));
    }

    [Fact]
    public async Task A_recreated_group_allows_no_user_by_its_former_gid()
    {
        users.Groups["operators"] = 50;
        await StartAsync(Rule("operators", "@operators", "self"));
        Assert.True(await AllowsAsync(1001, "1001", 50));
        users.Groups["operators"] = 60;
        Changed();
        Assert.False(await AllowsAsync(1001, "1001", 50));
        Assert.True(await AllowsAsync(1001, "1001", 60));
    }

    [Fact]
    public async Task Without_a_file_change_an_answer_is_cached_for_the_configured_time()
    {
        await StartAsync(Rule("own", "carol", "self"));
        users.Add("carol", 1003);
        Assert.True(await AllowsAsync(1003, "1003"));
        users.Remove("carol");
        users.Add("carol", 1004);
        for (int i = 0; i < 50; i++)
            Assert.False(await AllowsAsync(1004, "1004"));
        int before = users.CountOf("carol");
        time.Advance(options.Limits.LookupCacheTime);
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => AllowsAsync(1004, "1004"))), Assert.True);
        Assert.Equal(1, users.CountOf("carol") - before);
    }

    [Fact]
    public async Task Without_a_cache_a_name_is_looked_up_every_second_or_100_ms_after_a_change()
    {
        options.Limits.LookupCacheTime = TimeSpan.Zero;
        await StartAsync(Rule("own", "@late", "self"));
        await AllowsAsync(1001, "1001");
        int before = users.CountOf("late");
        for (int i = 0; i < 9; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            await AllowsAsync(1001, "1001");
        }

        Assert.Equal(before, users.CountOf("late"));
        time.Advance(TimeSpan.FromMilliseconds(100));
        await AllowsAsync(1001, "1001");
        Assert.Equal(before + 1, users.CountOf("late"));

        users.Groups["late"] = 50;
        Changed(passes: false);
        Task<bool> second = AllowsAsync(1001, "1001", 50);
        await thread.SettleAsync();
        Assert.Equal((false, before + 1), (second.IsCompleted, users.CountOf("late")));
        time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.True(await second);
    }

    [Fact]
    public async Task Only_requests_that_depend_on_a_name_wait_for_it_up_to_the_lookup_timeout()
    {
        await StartAsync(
            Rule("writers", "@late", "bob", job: "write"), Rule("own", "carol", "self"), Rule("panel", "alice", "dave"),
            Rule("self", "alice", "self"));
        users.Hanging["late"] = users.Hanging["carol"] = users.Hanging["dave"] = true;
        users.Add("carol", 1003);
        users.Add("dave", 1004);
        users.Add("erin", 1005);
        Changed();
        Assert.True(await AllowsAsync(1001, "1001"));
        Assert.True(await AllowsAsync(1001, "alice"));
        Assert.False(await AllowsAsync(1001, "bob"));
        Assert.False(await AllowsAsync(1005, "1005"));

        Task<bool>[] waiting =
            [AllowsAsync(1003, "1003"), AllowsAsync(1001, "dave"), AsksAsync("write", 1001, "bob")];
        await thread.SettleAsync();
        time.Advance(options.Limits.LookupTimeout - TimeSpan.FromMilliseconds(1));
        await thread.SettleAsync();
        Assert.All(waiting, task => Assert.False(task.IsCompleted));
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.All(await Task.WhenAll(waiting), Assert.False);

        // For a while no request waits again, and a late answer still counts.
        Assert.False(await AllowsAsync(1003, "1003"));
        users.Release();
        while (!log.Lines.Any(line => line.StartsWith("the user \"carol\" has the id", StringComparison.Ordinal)))
            await Task.Delay(10, TestContext.Current.CancellationToken);
        Assert.True(await AllowsAsync(1003, "1003"));
    }

    private static RuleOptions Rule(string name, string caller, string user, bool deny = false, string job = "*") =>
        new() { Name = name, Callers = [caller], Jobs = [job], As = [user], Deny = deny };

    private async Task StartAsync(params RuleOptions[] rules)
    {
        options.Policy.Rules = rules;
        var lookUps = new NameLookUps(users);
        ResolvedPolicy resolved = await ResolvedPolicy.ReadAsync(options, lookUps);
        authorizer = new PolicyAuthorizer(resolved.Policy, users, PolicyWorld.Patterns);
        names = new NameWatch(
            thread.Loop, lookUps, new CurrentConfiguration(options), [folder.File("passwd")], policy => authorizer.Policy = policy, log);
        authorizer.Names = names;
        await thread.RunAsync(() => names.Follow(resolved, ConfigurationSources.None));
    }

    /// <summary>A file of the user database was replaced.</summary>
    private void Changed(bool passes = true)
    {
        folder.Write("passwd", new string('x', ++changes));
        if (passes)
            time.Advance(TimeSpan.FromSeconds(1));
    }

    private Task<bool> AllowsAsync(uint caller, string user, params uint[] groups) => AsksAsync("read", caller, user, groups);

    private Task<bool> AsksAsync(string job, uint caller, string user, params uint[] groups) => thread.RunAsync(async () =>
        (await authorizer!.DecideAsync(Make(caller, groups), job, UserSelector.Parse(user), null)).IsAllowed);

    private Task<bool> SeesAsync(uint caller) => thread.RunAsync(async () => (await authorizer!.KnownJobsAsync(Make(caller)))("read"));

    private static Caller Make(uint uid, params uint[] groups) =>
        new(new UserId(uid), new GroupId(uid), [.. groups.Select(gid => new GroupId(gid))], new ProcessId(1));
}
