using System.Text;
using System.Text.Json;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Authorization;

public sealed class PolicyAuthorizerTests
{
    private const uint None = uint.MaxValue;

    private readonly CountingUsers users = new();

    [Theory]
    // Callers as themselves, by uid and by name.
    [InlineData(1001, "1001", true)]
    [InlineData(1001, "alice", true)]
    [InlineData(1000, "1000", true)]
    // No caller as another user, existing or not, in any spelling.
    [InlineData(1001, "1002", false)]
    [InlineData(1001, "bob", false)]
    [InlineData(1001, "Alice", false)]
    [InlineData(1001, "alice ", false)]
    [InlineData(1001, "nobody-here", false)]
    [InlineData(1001, "5000", false)]
    [InlineData(1001, "root", false)]
    [InlineData(1001, "0", false)]
    [InlineData(1001, "4294967295", false)]
    // A caller without an account can name itself only by uid.
    [InlineData(5000, "5000", true)]
    [InlineData(5000, "alice", false)]
    [InlineData(5000, "", false)]
    // The minimum uid also applies to callers as themselves.
    [InlineData(999, "999", false)]
    [InlineData(33, "www-data", false)]
    [InlineData(None, "4294967295", false)]
    // Root as every user above the minimum uid, and never as itself.
    [InlineData(0, "1001", true)]
    [InlineData(0, "5000", true)]
    [InlineData(0, "999", false)]
    [InlineData(0, "0", false)]
    [InlineData(0, "4294967295", false)]
    [InlineData(0, "alice", true)]
    public async Task The_built_in_rules_decide_for_each_kind_of_user(uint caller, string user, bool allowed) =>
        Assert.Equal(allowed, await AsksOnAsync(Make(caller), user));

    [Theory]
    [InlineData(1u, 1u, true)]
    [InlineData(1u, 0u, false)]
    [InlineData(4294967294u, 4294967294u, true)]
    [InlineData(4294967294u, 4294967293u, false)]
    public async Task MinimumUid_is_configurable_but_never_allows_root(uint minimum, uint uid, bool allowed)
    {
        users.Accounts[uid] = "somebody";
        var authorizer =
            new PolicyAuthorizer(PolicyReader.Read(new PolicyOptions { MinimumUid = minimum }, new NoNames()), users, PolicyWorld.Patterns);
        Assert.Equal(allowed, (await authorizer.DecideAsync(Make(uid), "id", UserSelector.ById(new UserId(uid)), null)).IsAllowed);
    }

    [Theory]
    [InlineData(1001, "bob")]
    [InlineData(1001, "nobody-here")]
    [InlineData(1001, "1002")]
    [InlineData(1001, "0")]
    [InlineData(0, "0")]
    [InlineData(0, "999")]
    [InlineData(999, "999")]
    public async Task The_target_user_of_a_denied_request_is_never_looked_up(uint caller, string user)
    {
        Assert.Equal(Answer.Denied, (await Authorizer().DecideAsync(Make(caller), "id", UserSelector.Parse(user), null)).Answer);
        Assert.All(users.Asked, asked => Assert.Equal(new UserId(caller), asked.Uid));
        Assert.InRange(users.Asked.Count, 0, 1);
    }

    [Fact]
    public async Task Another_name_of_a_uid_is_refused()
    {
        users.Aliases["toor"] = 1002;
        Decision decision = await Authorizer().DecideAsync(Make(0), "id", UserSelector.Parse("toor"), null);
        Assert.Equal((Answer.Denied, "\"toor\" led to uid 1002, which is the account \"bob\""), (decision.Answer, decision.Reason));
    }

    [Fact]
    public async Task A_name_with_another_uid_is_refused_even_if_it_is_the_name_of_the_caller()
    {
        users.Aliases["alice"] = 1002;
        Assert.Equal(Answer.Denied, (await Authorizer().DecideAsync(Make(1001), "id", UserSelector.Parse("alice"), null)).Answer);
    }

    [Fact]
    public async Task An_account_with_another_uid_than_requested_is_not_accepted()
    {
        users.Lies = true;
        Assert.Equal(Answer.Denied, (await Authorizer().DecideAsync(Make(0), "id", UserSelector.Parse("1001"), null)).Answer);
    }

    [Fact]
    public async Task Only_root_and_the_user_itself_learn_whether_a_user_exists()
    {
        Assert.Equal(Answer.UnknownUser, (await Authorizer().DecideAsync(Make(0), "id", UserSelector.Parse("nobody-here"), null)).Answer);
        Assert.Equal(Answer.UnknownUser, (await Authorizer().DecideAsync(Make(5000), "id", UserSelector.Parse("5000"), null)).Answer);

        Policy open = new(1000, [new Rule { Name = "open", Callers = [Principal.Everyone], Jobs = ["*"], As = [Principal.Everyone] }]);
        Assert.Equal(Answer.Denied,
            (await new PolicyAuthorizer(open, users, PolicyWorld.Patterns)
            .DecideAsync(Make(1001), "id", UserSelector.Parse("nobody-here"), null)).Answer);
    }

    [Fact]
    public async Task The_account_of_the_caller_is_looked_up_only_if_a_rule_denies_by_a_group()
    {
        RuleOptions allow = new() { Name = "staff", Callers = ["@staff"], Jobs = ["*"], As = ["1002"] };
        RuleOptions deny = new() { Name = "no", Callers = ["@customers"], Jobs = ["write"], As = ["*"], Deny = true };
        await Ask([allow]);
        Assert.Empty(users.Asked);
        await Ask([allow, deny]);
        Assert.Equal([UserSelector.ById(new UserId(1001))], users.Asked);

        async Task Ask(RuleOptions[] rules) =>
            await new PolicyAuthorizer(PolicyReader.Read(new PolicyOptions { Rules = rules }, PolicyWorld.Instance), users,
            PolicyWorld.Patterns)
            .DecideAsync(Make(1001), "id", UserSelector.Parse("1002"), null);
    }

    [Fact]
    public async Task A_job_that_is_denied_by_a_dropped_group_is_not_listed()
    {
        RuleOptions deny = new() { Name = "no", Callers = ["@staff"], Jobs = ["write"], As = ["*"], Deny = true };
        RuleOptions allow = new() { Name = "all", Callers = ["*"], Jobs = ["*"], As = ["self"] };
        var authorizer =
            new PolicyAuthorizer(PolicyReader.Read(new PolicyOptions { Rules = [deny, allow] }, PolicyWorld.Instance), PolicyWorld.Instance,
            PolicyWorld.Patterns);
        Func<string, bool> mayRun = await authorizer.KnownJobsAsync(PolicyWorld.Instance.Caller("carol=1003"));
        Assert.Equal((false, true), (mayRun("write"), mayRun("read")));
    }

    [Fact]
    public async Task A_caller_with_the_maximum_number_of_groups_is_decided_like_any_other()
    {
        GroupId[] many = [.. Enumerable.Range(100_000, 65_536).Select(gid => new GroupId((uint)gid))];
        RuleOptions[] rules =
            [.. Enumerable.Range(0, 1000).Select(number =>
            new RuleOptions { Name = $"r{number}", Callers = [$"@{number + 1}", $"@{200_000 + number}"], Jobs = ["*"], As = ["1002"] })];
        rules[^1].Callers.Add("@165535");
        var authorizer =
            new PolicyAuthorizer(PolicyReader.Read(new PolicyOptions { Rules = rules }, PolicyWorld.Instance), PolicyWorld.Instance,
            PolicyWorld.Patterns);
        var caller = new Caller(new UserId(7000), new GroupId(7000), many, new ProcessId(1));
        Assert.Equal("r999", (await authorizer.DecideAsync(caller, "id", UserSelector.Parse("1002"), null)).Rule);
    }

    [Fact]
    public async Task A_decision_gives_the_log_its_reason()
    {
        Assert.Equal("no rule matches", (await Authorizer().DecideAsync(Make(1001), "id", UserSelector.Parse("bob"), null)).Reason);
        Assert.Equal("self", (await Authorizer().DecideAsync(Make(1001), "id", UserSelector.Parse("1001"), null)).Rule);
        Assert.Equal("root as everyone", (await Authorizer().DecideAsync(Make(0), "id", UserSelector.Parse("1001"), null)).Rule);
    }

    [Theory]
    [InlineData("root", "0", true)]
    [InlineData("root", "root", true)]
    [InlineData("bob", "bob", false)]
    public async Task A_rule_with_AllowRoot_grants_root_but_not_for_its_other_users(string named, string user, bool granted)
    {
        RuleOptions rule = new() { Name = "ops", Callers = ["*"], Jobs = ["*"], As = ["bob", "root"], AllowRoot = true };
        var authorizer =
            new PolicyAuthorizer(PolicyReader.Read(new PolicyOptions { Rules = [rule] }, PolicyWorld.Instance), PolicyWorld.Instance,
            PolicyWorld.Patterns);
        Decision decision = await authorizer.DecideAsync(Make(1001), "id", UserSelector.Parse(user), null);
        Assert.Equal((true, named, granted), (decision.IsAllowed, decision.Account?.Name, decision.GrantsRoot));
    }

    [Theory]
    [InlineData("\"/etc\"", null, false)]
    [InlineData("\"/srv\"", null, true)]
    [InlineData("\".\"", null, true)]
    [InlineData("null", null, false)]
    [InlineData("\"/srv\"", "{}", true)]
    [InlineData("\"/srv\"", """{"path":null}""", false)]
    [InlineData("\"/srv\"", """{"Path":"/srv"}""", false)]
    [InlineData("\"/srv\"", """{"path":"/etc/passwd"}""", false)]
    public async Task A_rule_that_denies_tests_the_default_value_of_a_missing_argument(
        string value, string? given, bool allowed)
    {
        using JsonDocument schema = JsonDocument.Parse($$"""{"properties":{"path":{"default":{{value}} } } }""");
        var known = KnownArguments.Of(schema.RootElement);
        PolicyAuthorizer authorizer = WithWhere(deny: true, "/etc", _ => known);
        Decision decision = await authorizer.DecideAsync(
            Make(1001), "list", UserSelector.Parse("alice"), given is null ? null : Encoding.UTF8.GetBytes(given));
        Assert.Equal(allowed, decision.IsAllowed);
    }

    /// <summary>Other jobs use the path unchanged, and resolve it elsewhere.</summary>
    [Theory]
    [InlineData("""{"properties":{"path":{},"pathBytes":{} } }""", true, false)]
    [InlineData("""{"properties":{"path":{} } }""", false, false)]
    [InlineData("""{"properties":{"path":{"default":"/srv"} },"additionalProperties":{} }""", false, false)]
    [InlineData("""{"type":"object","additionalProperties":{} }""", false, false)]
    public async Task The_argument_pathBytes_has_an_effect_only_for_jobs_that_declare_it(
        string schema, bool allowed, bool undenied)
    {
        using JsonDocument read = JsonDocument.Parse(schema);
        var known = KnownArguments.Of(read.RootElement);
        byte[] arguments = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, byte[]> { ["pathBytes"] = "/srv/x"u8.ToArray() });
        foreach ((bool deny, bool expected) in new[] { (false, allowed), (true, undenied) })
        {
            PolicyAuthorizer authorizer = WithWhere(deny, "/srv", _ => known);
            Decision decision = await authorizer.DecideAsync(Make(1001), "list", UserSelector.Parse("alice"), arguments);
            Assert.Equal(expected, decision.IsAllowed);
        }
    }

    [Theory]
    [InlineData("www/page", true, true)]
    [InlineData("/home/alice/www/page", true, false)]
    [InlineData("notes.txt", false, false)]
    [InlineData("www/../notes.txt", false, false)]
    [InlineData("~/www/page", false, false)]
    [InlineData("", false, false)]
    public async Task A_relative_path_counts_below_the_home_and_the_job_must_start_there(string path, bool allowed, bool needsHome)
    {
        PolicyAuthorizer authorizer = WithWhere(deny: false, "~/www", null);
        byte[] arguments = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["path"] = path });
        Decision decision = await authorizer.DecideAsync(Make(1001), "list", UserSelector.Parse("alice"), arguments);
        Assert.Equal((allowed, needsHome), (decision.IsAllowed, decision.NeedsHome));
    }

    private static PolicyAuthorizer WithWhere(bool deny, string folder, Func<string, KnownArguments?>? known)
    {
        RuleOptions where = new() { Name = "where", Callers = ["*"], Jobs = ["*"], As = ["*"], Deny = deny };
        where.Where.Add("path", new ConditionOptions { Under = folder });
        RuleOptions all = new() { Name = "all", Callers = ["*"], Jobs = ["*"], As = ["*"] };
        Policy policy = PolicyReader.Read(new PolicyOptions { Rules = deny ? [where, all] : [where] }, PolicyWorld.Instance);
        return new PolicyAuthorizer(policy, PolicyWorld.Instance, PolicyWorld.Patterns, jobs: known);
    }

    /// <summary>Whether the request is not denied: an unknown user is not denied if the caller may learn that.</summary>
    private async Task<bool> AsksOnAsync(Caller caller, string user) =>
        (await Authorizer().DecideAsync(caller, "id", UserSelector.Parse(user), null)).Answer is Answer.Allowed or Answer.UnknownUser;

    private PolicyAuthorizer Authorizer() => new(PolicyReader.Read(new PolicyOptions(), new NoNames()), users, PolicyWorld.Patterns);

    private static Caller Make(uint uid) => new(new UserId(uid), new GroupId(uid), [], new ProcessId(1));

    private static Account Account(string name, uint uid) => new(name, uid, uid, [uid], "/", "/bin/sh");

    private sealed class NoNames : INames
    {
        public PasswordEntry? User(string name) => null;

        public PasswordEntry? User(UserId uid) => null;

        public GroupId? Group(string name) => null;
    }

    private sealed class CountingUsers : IUserDatabase
    {
        public Dictionary<uint, string> Accounts { get; } = new() { [0] = "root", [33] = "www-data", [1001] = "alice", [1002] = "bob" };

        public Dictionary<string, uint> Aliases { get; } = [];

        public bool Lies { get; set; }

        public List<UserSelector> Asked { get; } = [];

        public ValueTask<Account?> FindAsync(UserSelector selector, Bucket bucket)
        {
            Asked.Add(selector);
            if (selector.Name is { } name && Aliases.TryGetValue(name, out uint alias))
                return ValueTask.FromResult<Account?>(Account(name, alias));
            uint? uid = selector.Uid?.Value
                ?? Accounts.Where(entry => entry.Value == selector.Name).Select(entry => (uint?)entry.Key).FirstOrDefault();
            return ValueTask.FromResult(
                uid is { } known && Accounts.TryGetValue(known, out string? own) ? Account(own, Lies ? known + 1 : known) : null);
        }
    }
}
