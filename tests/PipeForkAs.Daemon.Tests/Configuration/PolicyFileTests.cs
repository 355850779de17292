using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Loading;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Configuration;

/// <summary>Tests the policy section of a configuration file: valid rules are read, and others are rejected with file and key.</summary>
public sealed class PolicyFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public PolicyFileTests() => Assert.SkipUnless(Libc.geteuid() == UserId.Root, "the configuration must be root's");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("""{ }""", "Policy:Rules:0:Name: must be 1 to 64 characters on one line")]
    [InlineData(
        """{ "Name": "a\nb", "Callers": ["*"], "Jobs": ["*"], "As": ["self"] }""",
        "Policy:Rules:0:Name: must be 1 to 64 characters on one line")]
    [InlineData(
        """{ "Name": "x", "Jobs": ["*"], "As": ["self"] }""", "Policy:Rules:0:Callers: must have at least one entry; \"*\" means everyone")]
    [InlineData(
        """{ "Name": "x", "Callers": [], "Jobs": ["*"], "As": ["self"] }""",
        "Policy:Rules:0:Callers: must have at least one entry; \"*\" means everyone")]
    [InlineData("""{ "Name": "x", "Callers": ["*"], "Jobs": ["*"] }""",
        "Policy:Rules:0:As: must have at least one entry; \"*\" means everyone")]
    [InlineData("""{ "Name": "x", "Callers": ["*"], "Jobs": ["a b"], "As": ["self"] }""", "Policy:Rules:0:Jobs:0: must be a job's name")]
    [InlineData("""{ "Name": "x", "Callers": ["*"], "Jobs": ["a*b"], "As": ["self"] }""", "Policy:Rules:0:Jobs:0: must be a job's name")]
    [InlineData("""{ "Name": "x", "Callers": ["*"], "Jobs": ["**"], "As": ["self"] }""", "Policy:Rules:0:Jobs:0: must be a job's name")]
    [InlineData("""{ "Name": "x", "Callers": ["@"], "Jobs": ["*"], "As": ["self"] }""",
        "Policy:Rules:0:Callers:0: must name a group after \"@\"")]
    [InlineData("""{ "Name": "x", "Callers": ["self"], "Jobs": ["*"], "As": ["self"] }""",
        "Policy:Rules:0:Callers:0: \"self\" is valid only in As")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["4294967295"] }""",
        "Policy:Rules:0:As:0: must be a number from 0 to 4294967294")]
    [InlineData(
        """{ "Name": "x", "Callers": ["007"], "Jobs": ["*"], "As": ["self"] }""",
        "Policy:Rules:0:Callers:0: must be a number from 0 to 4294967294 without leading zeros")]
    [InlineData(
        """{ "Name": "x", "Callers": ["@99999999999"], "Jobs": ["*"], "As": ["self"] }""",
        "Policy:Rules:0:Callers:0: must be a number from 0 to 4294967294")]
    [InlineData("""{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["root"] }""", "Policy:Rules:0:As: names root, but")]
    [InlineData("""{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["0"] }""", "Policy:Rules:0:As: names root, but")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["*"], "AllowRoot": true }""", "Policy:Rules:0:AllowRoot: has no effect")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["root"], "AllowRoot": true, "Deny": true }""",
        "Policy:Rules:0:AllowRoot: has no effect in a rule that denies")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["*"], "RequireConsent": true, "Deny": true }""",
        "Policy:Rules:0:RequireConsent: a rule that denies")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["root"], "RequireConsent": true, "AllowRoot": true }""",
        "Policy:Rules:0:RequireConsent: cannot be combined with \"AllowRoot\"")]
    [InlineData("""{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["*"], "RequireConsent": "maybe" }""",
        "Policy:Rules:0:RequireConsent: \"maybe\" is not true or false")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["self"], "Where": { "path": { } } }""", "Policy:Rules:0:Where:path: ")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["self"], "Where": { "path": { "Under": "home" } } }""",
        "Policy:Rules:0:Where:path:Under: must be an absolute path")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["self"], "Where": { "path": { "Under": "/a/../b" } } }""",
        "Policy:Rules:0:Where:path:Under: must be an absolute path")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["self"], "Where": { "path": { "Under": "~bob" } } }""",
        "Policy:Rules:0:Where:path:Under: must be an absolute path")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["self"], "Where": { "path": { "Pattern": "(a)\\1" } } }""",
        "Policy:Rules:0:Where:path:Pattern: cannot be used as a regular expression")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["self"], """
            + """ "Where": { "path": { "Pattern": "((aa|b){1,500}){1,500}" } } }""",
        "Policy:Rules:0:Where:path:Pattern: cannot be used as a regular expression: its repetitions")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["self"], "Where": { "path": { "Pattern": "a", "MaxLength": 0 } } }""",
        "Policy:Rules:0:Where:path:MaxLength: must be from 1 to 65536")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["self"], "Where": { "path": { "Equals": "a", "MaxLength": 5 } } }""",
        "Policy:Rules:0:Where:path:MaxLength: has no effect without Pattern; remove it")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["self"], "Where": { "n": { "AtMost": 1, "AtLeast": 2 } } }""",
        "Policy:Rules:0:Where:n:AtMost: is less than AtLeast")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["self"], "Where": { "n": { "AtMots": 1 } } }""",
        "Policy:Rules:0:Where:n:AtMots: unknown key; did you mean \"AtMost\"?")]
    [InlineData(
        """{ "Name": "x", "Caller": ["*"], "Jobs": ["*"], "As": ["self"] }""",
        "Policy:Rules:0:Caller:0: unknown key; did you mean \"Callers\"?")]
    [InlineData(
        """{ "Name": "x", "Callers": "*", "Jobs": ["*"], "As": ["self"] }""",
        "Policy:Rules:0:Callers: must be an object or a list, not one value")]
    [InlineData("""{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["self"], "Deny": "perhaps" }""",
        "Policy:Rules:0:Deny: \"perhaps\" is not true or false")]
    [InlineData(
        """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["self"], "Deny": null }""",
        "Policy:Rules:0:Deny: must not be null or empty")]
    public void An_invalid_rule_is_rejected(string rule, string problem)
    {
        IReadOnlyList<string> problems = Assert.Throws<ConfigurationException>(() => Load($$"""{ "Rules": [ {{rule}} ] }""")).Problems;
        Assert.Contains(problems, told => told.StartsWith($"{folder.File("a.json")}: {problem}", StringComparison.Ordinal));
    }

    [Fact]
    public void Two_rules_with_the_same_name_are_rejected()
    {
        const string Rule = """{ "Name": "x", "Callers": ["*"], "Jobs": ["*"], "As": ["self"] }""";
        string told = Assert.Single(
            Assert.Throws<ConfigurationException>(() => Load($$"""{ "Rules": [ {{Rule}}, {{Rule}} ] }""")).Problems);
        Assert.EndsWith("Policy:Rules:1:Name: \"x\" is also the name of another rule; rename one", told);
    }

    [Theory]
    [InlineData("""{ "Rules": [] }""")]
    [InlineData("""{ "Rules": {} }""")]
    [InlineData("""{ "Rules": null }""")]
    public void An_empty_list_of_rules_does_not_mean_the_built_in_rules(string policy) =>
        Assert.Empty(PolicyReader.Read(Load(policy).Policy, SystemNames.Instance).Rules);

    [Fact]
    public void Without_a_list_the_built_in_rules_apply() =>
        Assert.Same(Policy.DefaultRules, PolicyReader.Read(Load("""{ "MinimumUid": 500 }""").Policy, SystemNames.Instance).Rules);

    [Fact]
    public void A_rule_is_read_as_it_is_written()
    {
        PolicyOptions policy = Load("""
            { "Rules": [ { "Name": "panel", "Callers": [ "root", "@root", "33", "*" ], "Jobs": [ "read-*", "id" ],
                "As": [ "root", "self", "@0" ], "AllowRoot": true,
                "Where": { "path": { "Under": "~/www", "Pattern": "[a-z/]+" }, "mode": { "OneOf": [ "a", "", 5 ] },
                    "size": { "AtMost": 1.5, "AtLeast": -3 }, "x": { "Equals": true } } } ] }
            """).Policy;
        ConditionOptions path = policy.Rules![0].Where["path"];
        Assert.Equal(("~/www", "[a-z/]+"), (path.Under, path.Pattern));
        Assert.Equal(["a", "", "5"], policy.Rules[0].Where["mode"].OneOf!);
        Assert.Equal((1.5m, -3m), (policy.Rules[0].Where["size"].AtMost, policy.Rules[0].Where["size"].AtLeast));
        Assert.Equal("True", policy.Rules[0].Where["x"].EqualTo);

        Rule rule = Assert.Single(PolicyReader.Read(policy, SystemNames.Instance).Rules);
        Assert.Equal(
            [new(PrincipalKind.User, "root"), new(PrincipalKind.Group, "@root"), new(PrincipalKind.Uid, "33", new UserId(33)),
                Principal.Everyone], rule.Callers);
        Assert.Equal([new(PrincipalKind.User, "root"), Principal.Self, new(PrincipalKind.Group, "@0")], rule.As);
        Assert.Equal((true, false, 4), (rule.AllowRoot, rule.Deny, rule.Where.Count));
    }

    private DaemonOptions Load(string policy) =>
        ConfigurationFiles.Load(
            [folder.Write("a.json", $$"""{ "JobHosts": [ { "Path": "/usr/bin/env" } ], "Policy": {{policy}} }""")]).Options;
}
