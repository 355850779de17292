using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Authorization;

/// <summary>Tests how the consent of the target user affects the evaluation of the rules.</summary>
public sealed class ConsentTests
{
    private readonly FakeConsents consents = new();

    [Fact]
    public async Task A_rule_that_requires_consent_allows_only_with_consent()
    {
        RuleOptions[] rules = [Rule("panel", consent: true)];
        Assert.Equal((Answer.Denied, null), await DecideAsync(rules));
        consents.Given = true;
        Assert.Equal((Answer.Allowed, "panel"), await DecideAsync(rules));
        Assert.Equal(["www-data read bob", "www-data read bob"], consents.Asked);
    }

    [Fact]
    public async Task Without_consent_the_next_rule_is_tried_and_the_file_is_read_once()
    {
        RuleOptions[] rules = [Rule("first", consent: true), Rule("second", consent: true), Rule("third", consent: false)];
        Assert.Equal((Answer.Allowed, "third"), await DecideAsync(rules));
        Assert.Single(consents.Asked);

        RuleOptions no = Rule("no", consent: false);
        no.Deny = true;
        Assert.Equal((Answer.Denied, "no"), await DecideAsync([rules[0], no, rules[2]]));
    }

    [Fact]
    public async Task Consent_is_not_read_if_it_cannot_change_the_decision()
    {
        RuleOptions no = Rule("no", consent: false), other = Rule("other", consent: true);
        no.Deny = true;
        other.Jobs = ["write"];
        Assert.Equal((Answer.Denied, "no"), await DecideAsync([no, Rule("panel", consent: true)]));
        Assert.Equal((Answer.Denied, null), await DecideAsync([other]));
        Assert.Equal((Answer.Allowed, "open"), await DecideAsync([other, Rule("open", consent: false), Rule("panel", consent: true)]));
        Assert.Empty(consents.Asked);
    }

    /// <summary>Otherwise the time of a denial would reveal which users a rule covers, and which exist.</summary>
    [Theory]
    [InlineData("alice", "alice")]
    [InlineData("1001", "alice")]
    [InlineData("bob", "bob")]
    [InlineData("carol", "carol")]
    [InlineData("no-such-user", "no-such-user 65534 /nonexistent")]
    [InlineData("77777", "77777 65534 /nonexistent")]
    [InlineData("alice2", "alice2")]
    public async Task A_denial_reads_the_consent_whether_or_not_a_rule_covers_the_user(string user, string asked)
    {
        RuleOptions rule = Rule("panel", consent: true);
        rule.As = ["@customers"];
        var authorizer = new PolicyAuthorizer(Read([rule]), PolicyWorld.Instance, PolicyWorld.Patterns, consents);
        Decision decision = await authorizer.DecideAsync(PolicyWorld.Instance.Caller("www-data"), "read", UserSelector.Parse(user), null);
        Assert.Equal(Answer.Denied, decision.Answer);
        Assert.StartsWith($"www-data read {asked}", Assert.Single(consents.Asked), StringComparison.Ordinal);

        consents.Given = true;
        decision = await authorizer.DecideAsync(PolicyWorld.Instance.Caller("www-data"), "read", UserSelector.Parse(user), null);
        Assert.Equal(asked is "alice" or "bob", decision.IsAllowed);
    }

    /// <summary>A worker never becomes root or a system account only to check consent.</summary>
    [Theory]
    [InlineData("root")]
    [InlineData("0")]
    [InlineData("daemon")]
    [InlineData("33")]
    [InlineData("toor")]
    public async Task For_root_and_system_accounts_a_denial_reads_consent_as_nobody(string user)
    {
        await DecideAsync([Rule("panel", consent: true)], user);
        Assert.EndsWith($"{user} 65534 /nonexistent", Assert.Single(consents.Asked), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("alice")]
    [InlineData("1001")]
    [InlineData("no-such-user")]
    [InlineData("77777")]
    public async Task The_time_of_a_denial_does_not_reveal_which_users_a_rule_names(string user)
    {
        RuleOptions named = Rule("panel", consent: true), denied = Rule("no", consent: false);
        (named.As, denied.As, denied.Deny) = (["bob"], ["carol"], true);
        foreach (string other in new[] { user, "bob", "carol" })
            Assert.Equal(Answer.Denied, (await DecideAsync([denied, named], other)).Item1);
        Assert.Equal(3, consents.Asked.Count);
    }

    [Fact]
    public async Task Explain_shows_why_the_user_has_not_consented()
    {
        var trace = new List<CheckedRule>();
        var authorizer = new PolicyAuthorizer(Read([Rule("panel", consent: true)]), PolicyWorld.Instance, PolicyWorld.Patterns, consents);
        Decision decision = await authorizer.DecideAsync(
            PolicyWorld.Instance.Caller("www-data"), "read", UserSelector.Parse("bob"), null, trace);
        Assert.Equal("no rule matches without the user's consent: no file", decision.Reason);
        Assert.Equal([new CheckedRule("panel", "the user has not consented: no file")], trace);
    }

    [Fact]
    public async Task Without_a_way_to_read_consent_no_user_consents()
    {
        var authorizer = new PolicyAuthorizer(Read([Rule("panel", consent: true)]), PolicyWorld.Instance, PolicyWorld.Patterns);
        Assert.Equal(
            Answer.Denied,
            (await authorizer.DecideAsync(PolicyWorld.Instance.Caller("www-data"), "read", UserSelector.Parse("bob"), null)).Answer);
    }

    [Fact]
    public async Task A_job_that_needs_consent_is_listed()
    {
        var authorizer = new PolicyAuthorizer(Read([Rule("panel", consent: true)]), PolicyWorld.Instance, PolicyWorld.Patterns, consents);
        Assert.True((await authorizer.KnownJobsAsync(PolicyWorld.Instance.Caller("www-data")))("read"));
    }

    /// <summary>The names of a caller do not include a name that the consent file would read as a uid, a group or everyone.</summary>
    [Theory]
    [InlineData("www-data", "33 www-data @33 @panel @50")]
    [InlineData(null, "33 @33 @panel @50")]
    [InlineData("1002", "33 @33 @panel @50")]
    [InlineData("@staff", "33 @33 @panel @50")]
    [InlineData("*", "33 @33 @panel @50")]
    [InlineData("a b", "33 @33 @panel @50")]
    [InlineData("a#", "33 @33 @panel @50")]
    [InlineData("", "33 @33 @panel @50")]
    public void Consent_knows_a_caller_by_its_uid_name_and_groups(string? name, string expected)
    {
        var caller = new Caller(new UserId(33), new GroupId(33), [], new ProcessId(1));
        Assert.Equal(expected, string.Join(' ', WorkerConsents.Names(caller, name, [(new GroupId(33), "panel"), (new GroupId(50), "0")])));
    }

    private static RuleOptions Rule(string name, bool consent) =>
        new() { Name = name, Callers = ["www-data"], Jobs = ["read"], As = ["*"], RequireConsent = consent };

    private static Policy Read(RuleOptions[] rules) => PolicyReader.Read(new PolicyOptions { Rules = rules }, PolicyWorld.Instance);

    private async Task<(Answer, string?)> DecideAsync(RuleOptions[] rules, string user = "bob")
    {
        var authorizer = new PolicyAuthorizer(Read(rules), PolicyWorld.Instance, PolicyWorld.Patterns, consents);
        Decision decision = await authorizer.DecideAsync(PolicyWorld.Instance.Caller("www-data"), "read", UserSelector.Parse(user), null);
        return (decision.Answer, decision.Rule);
    }

    private sealed class FakeConsents : IConsents
    {
        public bool Given { get; set; }

        public List<string> Asked { get; } = [];

        public ValueTask<ConsentAnswer> AskAsync(Caller caller, string? callerName, string job, Account target)
        {
            Asked.Add($"{callerName} {job} {target.Name}{(target.Uid == 65534 ? $" {target.Uid} {target.Home}" : "")}");
            return ValueTask.FromResult(new ConsentAnswer(Given, Given ? "yes" : "no file"));
        }
    }
}
