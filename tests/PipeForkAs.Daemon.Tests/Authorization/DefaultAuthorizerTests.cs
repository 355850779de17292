using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Authorization;

public sealed class DefaultAuthorizerTests
{
    private const uint None = uint.MaxValue;

    private readonly CountingUsers users = new();

    [Theory]
    // Everyone as themselves, by uid and by name.
    [InlineData(1001, "1001", true)]
    [InlineData(1001, "alice", true)]
    [InlineData(1000, "1000", true)]
    // Nobody as others, existing or not, whatever the spelling.
    [InlineData(1001, "1002", false)]
    [InlineData(1001, "bob", false)]
    [InlineData(1001, "Alice", false)]
    [InlineData(1001, "alice ", false)]
    [InlineData(1001, "nobody-here", false)]
    [InlineData(1001, "5000", false)]
    [InlineData(1001, "root", false)]
    [InlineData(1001, "0", false)]
    [InlineData(1001, "4294967295", false)]
    // A caller without an account is itself by uid alone.
    [InlineData(5000, "5000", true)]
    [InlineData(5000, "alice", false)]
    [InlineData(5000, "", false)]
    // The floors hold for oneself too.
    [InlineData(999, "999", false)]
    [InlineData(33, "www-data", false)]
    [InlineData(None, "4294967295", false)]
    // Root as everyone above the floor, and never as itself.
    [InlineData(0, "1001", true)]
    [InlineData(0, "5000", true)]
    [InlineData(0, "999", false)]
    [InlineData(0, "0", false)]
    [InlineData(0, "4294967295", false)]
    [InlineData(0, "alice", true)]
    public async Task The_built_in_rules_by_what_the_request_names(uint caller, string user, bool allowed) =>
        Assert.Equal(allowed, (await Authorizer().AuthorizeAsync(Make(caller), "id", UserSelector.Parse(user))).IsAllowed);

    [Theory]
    [InlineData(1001, 1001, true)]
    [InlineData(1001, 1002, false)]
    [InlineData(1001, 0, false)]
    [InlineData(999, 999, false)]
    [InlineData(None, None, false)]
    [InlineData(0, 1001, true)]
    [InlineData(0, 1000, true)]
    [InlineData(0, 999, false)]
    [InlineData(0, 0, false)]
    [InlineData(0, None, false)]
    public void The_built_in_rules_once_more_with_the_user_resolved(uint caller, uint user, bool allowed) =>
        Assert.Equal(allowed, Authorizer().AuthorizeResolved(Make(caller), "id", Account("anything", user)).IsAllowed);

    [Fact]
    public void A_name_that_leads_to_another_uid_is_refused_even_where_it_is_the_callers_own() =>
        Assert.False(Authorizer().AuthorizeResolved(Make(1001), "id", Account("alice", 1002)).IsAllowed);

    [Theory]
    [InlineData(1u, 1u, true)]
    [InlineData(1u, 0u, false)]
    [InlineData(4294967294u, 4294967294u, true)]
    [InlineData(4294967294u, 4294967293u, false)]
    public async Task The_floor_is_what_is_configured_but_never_lets_root_through(uint minimum, uint uid, bool allowed)
    {
        var authorizer = new DefaultAuthorizer(new PolicyOptions { MinimumUid = minimum }, users);
        Assert.Equal(allowed, (await authorizer.AuthorizeAsync(Make(uid), "id", UserSelector.ById(new UserId(uid)))).IsAllowed);
        Assert.Equal(allowed, authorizer.AuthorizeResolved(Make(uid), "id", Account("x", uid)).IsAllowed);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Even_a_floor_of_zero_lets_nobody_become_root_or_nobody_at_all(uint caller)
    {
        var authorizer = new DefaultAuthorizer(new PolicyOptions { MinimumUid = 0 }, users);
        Assert.False(authorizer.AuthorizeResolved(Make(caller), "id", Account("root", 0)).IsAllowed);
        Assert.False(authorizer.AuthorizeResolved(Make(caller), "id", Account("none", None)).IsAllowed);
    }

    [Theory]
    [InlineData(1001, "bob")]
    [InlineData(1001, "nobody-here")]
    [InlineData(1001, "1002")]
    [InlineData(1001, "0")]
    [InlineData(0, "0")]
    [InlineData(0, "999")]
    [InlineData(999, "999")]
    public async Task The_target_of_what_is_denied_is_never_looked_up(uint caller, string user)
    {
        Assert.False((await Authorizer().AuthorizeAsync(Make(caller), "id", UserSelector.Parse(user))).IsAllowed);
        Assert.All(users.Asked, asked => Assert.Equal(new UserId(caller), asked.Uid));
        Assert.InRange(users.Asked.Count, 0, 1);
    }

    [Fact]
    public async Task A_verdict_tells_the_log_why()
    {
        Assert.Equal("no rule", (await Authorizer().AuthorizeAsync(Make(1001), "id", UserSelector.Parse("bob"))).Rule);
        Assert.Equal("self, but uid 999 is under the floor", (await Authorizer().AuthorizeAsync(Make(999), "id", UserSelector.Parse("999"))).Rule);
        Assert.Equal("root as everyone", (await Authorizer().AuthorizeAsync(Make(0), "id", UserSelector.Parse("1001"))).Rule);
    }

    private DefaultAuthorizer Authorizer() => new(new PolicyOptions(), users);

    private static Caller Make(uint uid) => new(new UserId(uid), new GroupId(uid), [], new ProcessId(1));

    private static Account Account(string name, uint uid) => new(name, uid, uid, [uid], "/", "/bin/sh");

    private sealed class CountingUsers : IUserDatabase
    {
        private readonly Dictionary<uint, string> names = new() { [0] = "root", [33] = "www-data", [1001] = "alice", [1002] = "bob" };

        public List<UserSelector> Asked { get; } = [];

        public ValueTask<Account?> FindAsync(UserSelector selector)
        {
            Asked.Add(selector);
            return ValueTask.FromResult(selector.Uid is { } uid && names.TryGetValue(uid.Value, out string? name) ? Account(name, uid.Value) : null);
        }
    }
}
