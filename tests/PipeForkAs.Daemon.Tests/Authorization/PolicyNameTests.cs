using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Authorization;

/// <summary>Tests the effect of unresolved names in rules.</summary>
public sealed class PolicyNameTests
{
    private const string Name = "carol";
    private const uint Uid = 1003, OtherUid = 1001, Gid = 50;

    /// <summary>Each state of a name, with the id from the database.</summary>
    private static readonly Dictionary<string, NameAnswer> Users = new()
    {
        ["known"] = new(NameState.Known, Uid, ""),
        ["missing"] = new(NameState.Missing, 0, "there is no user"),
        ["unusable"] = new(NameState.Unusable, Uid, "another name"),
        ["unanswered"] = new(NameState.Unanswered, 0, "no answer"),
    };

    [Theory]
    // The uid of the caller, the name of its account ("" for none), and whether the rule matches it.
    [InlineData("known", false, Uid, Name, true)]
    [InlineData("known", false, Uid, "dora", false)]
    [InlineData("known", true, Uid, "dora", true)]
    [InlineData("known", true, OtherUid, Name, true)]
    [InlineData("known", true, OtherUid, "", false)]
    [InlineData("missing", false, Uid, Name, false)]
    [InlineData("missing", true, Uid, Name, true)]
    [InlineData("missing", true, 0u, "root", false)]
    [InlineData("missing", true, OtherUid, "", false)]
    [InlineData("unusable", false, Uid, Name, false)]
    [InlineData("unusable", true, Uid, "alice", true)]
    [InlineData("unusable", true, OtherUid, "", false)]
    [InlineData("unanswered", false, Uid, Name, false)]
    [InlineData("unanswered", true, Uid, Name, true)]
    [InlineData("unanswered", true, OtherUid, "alice", false)]
    [InlineData("unanswered", true, OtherUid, "", true)]
    [InlineData("unanswered", true, 0u, "root", false)]
    public void The_name_of_a_caller_is_decided_in_each_state(string state, bool deny, uint uid, string name, bool means)
    {
        Policy policy = Make(deny, [Name], ["*"], new PolicyName(false, Name), Users[state]);
        Decision decision = policy.Decide(Ask(policy, Caller(uid), name, "bob", new Account("bob", 1002, 1002, [1002], "/", "")));
        Assert.Equal(means, decision.Rule == "named");
        Assert.Equal(deny ? !means : means, decision.IsAllowed);
    }

    [Theory]
    [InlineData("known", false, Uid, Name, true)]
    [InlineData("known", false, Uid, "dora", false)]
    [InlineData("known", true, Uid, "dora", true)]
    [InlineData("missing", false, Uid, Name, false)]
    [InlineData("missing", true, Uid, Name, true)]
    [InlineData("missing", true, OtherUid, "alice", false)]
    [InlineData("unusable", false, Uid, "dora", false)]
    [InlineData("unusable", true, Uid, "dora", true)]
    [InlineData("unanswered", false, Uid, Name, false)]
    [InlineData("unanswered", true, Uid, Name, true)]
    [InlineData("unanswered", true, OtherUid, "alice", false)]
    public void The_name_of_a_target_user_is_decided_in_each_state(string state, bool deny, uint uid, string name, bool means)
    {
        Policy policy = Make(deny, ["*"], [Name], new PolicyName(false, Name), Users[state]);
        var account = new Account(name, uid, uid, [uid], "/", "");
        foreach (string asked in new[] { name, uid.ToString(System.Globalization.CultureInfo.InvariantCulture) })
        {
            Question question = Ask(policy, Caller(1002), "bob", asked, account);
            Decision byName = policy.Decide(question with { Account = null }), byAccount = policy.Decide(question);
            Assert.Equal(deny ? !means : means, byAccount.IsAllowed);
            Assert.Equal(means, byAccount.Rule == "named");
            Assert.True(byName.Answer == Answer.NeedsAccount || !byAccount.IsAllowed, $"by its name \"{asked}\" it is {byName}");
        }
    }

    [Theory]
    // Whether the caller, or the target user, is in the group of that gid.
    [InlineData(nameof(NameState.Known), false, true, true)]
    [InlineData(nameof(NameState.Known), true, true, true)]
    [InlineData(nameof(NameState.Known), true, false, false)]
    [InlineData(nameof(NameState.Missing), false, true, false)]
    [InlineData(nameof(NameState.Missing), true, true, false)]
    [InlineData(nameof(NameState.Unanswered), false, true, false)]
    [InlineData(nameof(NameState.Unanswered), true, true, true)]
    [InlineData(nameof(NameState.Unanswered), true, false, true)]
    public void The_name_of_a_group_is_decided_in_each_state(string told, bool deny, bool isIn, bool means)
    {
        NameState state = Enum.Parse<NameState>(told);
        var group = new PolicyName(true, "staff");
        var answer = new NameAnswer(state, state == NameState.Known ? Gid : 0, "");
        uint[] groups = isIn ? [Gid] : [700];
        var account = new Account("bob", 1002, 1002, groups, "/", "");

        Policy callers = Make(deny, ["@staff"], ["*"], group, answer);
        Decision byCaller = callers.Decide(Ask(callers, Caller(OtherUid, groups), "alice", "bob", account));
        Policy targets = Make(deny, ["*"], ["@staff"], group, answer);
        Question question = Ask(targets, Caller(OtherUid), "alice", "bob", account);
        Decision byTarget = targets.Decide(question), byName = targets.Decide(question with { Account = null });

        Assert.All([byCaller, byTarget], decision =>
            Assert.Equal((means, deny ? !means : means), (decision.Rule == "named", decision.IsAllowed)));
        Assert.True(byName.Answer == Answer.NeedsAccount || !byTarget.IsAllowed, $"by name it is {byName}");
    }

    [Fact]
    public void A_denial_in_doubt_has_an_explanation()
    {
        Policy policy = Make(deny: true, ["*"], ["@staff"], new PolicyName(true, "staff"), new NameAnswer(NameState.Unanswered, 0, ""));
        var trace = new List<CheckedRule>();
        policy.Decide(Ask(policy, Caller(OtherUid), "alice", "bob", null), trace);
        Assert.Equal("denies it: a group that As names could not be looked up", trace[0].Outcome);
    }

    [Fact]
    public void An_unresolved_name_reveals_no_job_to_a_caller()
    {
        Policy policy = Make(deny: false, ["*"], [Name], new PolicyName(false, Name), Users["unanswered"]);
        Assert.False(policy.JobsOf(policy.Know(Caller(OtherUid), null))("id"));
        Policy known = policy.With(new Dictionary<PolicyName, NameAnswer> { [new PolicyName(false, Name)] = Users["known"] });
        Assert.True(known.JobsOf(known.Know(Caller(OtherUid), null))("id"));
        Assert.Same(policy.Origin, known.Origin);
    }

    [Fact]
    public void AllowRoot_is_rejected_once_no_name_in_As_can_be_root()
    {
        RuleOptions rule = Options(deny: false, ["*"], [Name]);
        rule.AllowRoot = true;
        Policy read = PolicyReader.Read(new PolicyOptions { Rules = [rule] });
        Assert.Empty(PolicyReader.Problems(read));
        Policy known = read.With(new Dictionary<PolicyName, NameAnswer> { [new PolicyName(false, Name)] = Users["known"] });
        Assert.Equal("Policy:Rules:0:AllowRoot", Assert.Single(PolicyReader.Problems(known)).Key);
    }

    private static Policy Make(bool deny, string[] callers, string[] targets, PolicyName name, NameAnswer answer)
    {
        List<RuleOptions> rules = [Options(deny, callers, targets)];
        if (deny)
            rules.Add(new RuleOptions { Name = "rest", Callers = ["*"], Jobs = ["*"], As = ["*"] });
        return PolicyReader.Read(new PolicyOptions { Rules = rules }).With(new Dictionary<PolicyName, NameAnswer> { [name] = answer });
    }

    private static RuleOptions Options(bool deny, string[] callers, string[] targets) =>
        new() { Name = "named", Callers = callers, Jobs = ["*"], As = targets, Deny = deny };

    private static Caller Caller(uint uid, params uint[] groups) =>
        new(new UserId(uid), new GroupId(uid), [.. groups.Select(group => new GroupId(group))], new ProcessId(1));

    private static Question Ask(Policy policy, Caller caller, string callerName, string user, Account? account) => new(
        policy.Know(caller, callerName.Length == 0 ? null : new Account(callerName, caller.Uid.Value, 0, [], "/", "")),
        "id", UserSelector.Parse(user), account, null);
}
