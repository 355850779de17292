using System.Text.Json;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Logging;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Tests.Authorization;

public class PolicyWarningsTests
{
    private static readonly JobDescription[] Jobs =
    [
        new() { Name = "id", Kind = JobKind.Text },
        new() { Name = "read-file", Kind = JobKind.Typed, Arguments = Schema("path") },
        new() { Name = "read-part", Kind = JobKind.Typed, Arguments = Schema("path", "offset") },
        new() { Name = "anything", Kind = JobKind.Typed, Arguments = JsonElement.Parse("""{"type":"object"}""") },
    ];

    [Theory]
    [InlineData("id")]
    [InlineData("*")]
    [InlineData("read-*")]
    [InlineData("id", "read-file", "read-part")]
    public void A_rule_with_registered_jobs_causes_no_warning(params string[] names) =>
        Assert.Empty(Warnings(new RuleOptions { Jobs = names }));

    [Theory]
    [InlineData(false, "read-flie", "the rule \"x\" allows the job \"read-flie\", but no such job is registered")]
    [InlineData(true, "Read-file", "the rule \"x\" denies the job \"Read-file\", but no such job is registered")]
    [InlineData(true, "read-file2", "the rule \"x\" denies the job \"read-file2\", but no such job is registered")]
    [InlineData(true, "write-*", "the rule \"x\" denies the job \"write-*\", but the name of no registered job starts with it")]
    public void An_unregistered_job_in_a_rule_causes_a_warning_also_beside_others(bool deny, string name, string warning) =>
        Assert.Equal([warning], Warnings(new RuleOptions { Jobs = ["id", name], Deny = deny }));

    [Theory]
    [InlineData("path", "read-file")]
    [InlineData("offset", "read-*")]
    [InlineData("path", "*")]
    [InlineData("path offset", "read-*")]
    [InlineData("whatever", "anything")]
    public void A_rule_that_allows_one_of_its_jobs_causes_no_warning(string arguments, string job) =>
        Assert.Empty(Warnings(Where(arguments, job, deny: false)));

    [Theory]
    [InlineData("Path", "read-file", "Path")]
    [InlineData("path", "id", "path")]
    [InlineData("path offset", "read-file", "path, offset")]
    [InlineData("path length", "read-*", "path, length")]
    public void A_rule_that_no_valid_arguments_satisfy_causes_a_warning(string arguments, string job, string told) =>
        Assert.Equal(
            [$"the rule \"x\" allows nothing: none of its jobs has all arguments that Where tests ({told})"],
            Warnings(Where(arguments, job, deny: false)));

    [Theory]
    [InlineData("path", "read-*")]
    [InlineData("offset", "read-part")]
    [InlineData("whatever", "anything")]
    public void A_rule_that_denies_by_arguments_that_all_its_jobs_have_causes_no_warning(string arguments, string job) =>
        Assert.Empty(Warnings(Where(arguments, job, deny: true)));

    [Theory]
    [InlineData("path", "*", "id")]
    [InlineData("offset", "read-*", "read-file")]
    [InlineData("length", "read-*", "read-file, read-part")]
    public void A_rule_that_denies_jobs_for_any_arguments_causes_a_warning(string argument, string job, string denied) =>
        Assert.Equal(
        [$"the rule \"x\" denies {denied} with any arguments: not every argument that Where tests ({argument}) is an argument there"],
        Warnings(Where(argument, job, deny: true)));

    [Theory]
    [InlineData("move", "\"to\" of move")]
    [InlineData("*", "\"to\" of move")]
    [InlineData("move", null, "to")]
    [InlineData("move", null, "toBytes", "to")]
    [InlineData("read-*", null)]
    public void A_rule_that_allows_by_the_folder_of_one_of_two_paths_causes_a_warning(string job, string? told, params string[] also)
    {
        RuleOptions rule = Where("path", job, deny: false);
        rule.Where["path"] = new ConditionOptions { Under = "~" };
        foreach (string argument in also)
            rule.Where[argument] = new ConditionOptions { Under = "~" };
        string[] expected = told is null
            ? []
            : [$"the rule \"x\" allows by the folder of a path, but any {told}, which is a path too; add a condition for it"];
        JobDescription move = new()
        {
            Name = "move",
            Kind = JobKind.Typed,
            Arguments = Schema("path", "pathBytes", "to", "toBytes", "mode"),
        };
        Assert.Equal(expected, PolicyWarnings.Of(Read(rule), [.. Jobs, move]));
    }

    [Theory]
    [InlineData("~/.ssh")]
    [InlineData("/etc")]
    public void A_rule_that_denies_by_folder_causes_a_warning_because_links_bypass_it(string folder)
    {
        RuleOptions rule = Where("path", "read-*", deny: true);
        rule.Where["path"] = new ConditionOptions { Under = folder };
        string warning = Assert.Single(Warnings(rule));
        Assert.StartsWith("the rule \"x\" denies by the folder of \"path\"", warning, StringComparison.Ordinal);
        Assert.Contains("/proc/self/root", warning, StringComparison.Ordinal);

        rule.Deny = false;
        Assert.Empty(Warnings(rule));
    }

    [Theory]
    [InlineData("/proc/version", null, null)]
    [InlineData("~/.ssh/id_ed25519", null, null)]
    [InlineData(null, "/etc/shadow", null)]
    [InlineData(null, null, "/proc/.*")]
    [InlineData(null, null, ".*/[.]ssh/.*")]
    public void A_rule_that_denies_by_path_text_causes_a_warning_since_other_texts_bypass_it(string? equal, string? other, string? pattern)
    {
        RuleOptions rule = Where("path", "read-*", deny: true);
        rule.Where["path"] = new ConditionOptions
        {
            EqualTo = equal,
            OneOf = other is null ? null : ["notes.txt", other],
            Pattern = pattern,
        };
        string doubt = Assert.Single(Warnings(rule));
        Assert.StartsWith("the rule \"x\" denies by the text of the path \"path\", but //, ", doubt, StringComparison.Ordinal);

        rule.Deny = false;
        Assert.Empty(Warnings(rule));
    }

    [Theory]
    [InlineData("all", null)]
    [InlineData(null, "[a-z]+")]
    [InlineData(null, "https?://.*")]
    public void A_rule_that_denies_by_a_text_other_than_a_path_causes_no_warning(string? equal, string? pattern)
    {
        RuleOptions rule = Where("path", "read-*", deny: true);
        rule.Where["path"] = new ConditionOptions { EqualTo = equal, Pattern = pattern };
        Assert.Empty(Warnings(rule));
    }

    [Fact]
    public async Task Warnings_from_another_thread_are_logged_in_the_order_of_the_calls()
    {
        List<string> told = [];
        var warnings = new PolicyWarnings(told.Add);
        string[] names = [.. Enumerable.Range(0, 50).Select(number => $"job{number}")];
        await Task.WhenAll(names.Select(name => warnings.LogAsync(Read(new RuleOptions { Jobs = [name] }), Jobs)).ToArray());
        Assert.Equal(names, told.Select(warning => warning.Split('"')[3]));
    }

    [Fact]
    public void A_warning_names_only_some_of_many_jobs()
    {
        JobDescription[] many = [
            .. Enumerable.Range(1, 7).Select(number => new JobDescription { Name = $"job{number}", Kind = JobKind.Text })];
        Assert.Contains(
            "denies job1, job2, job3, job4, job5 and 2 more with any arguments",
            Assert.Single(Warnings(Where("path", "*", deny: true), many)));
    }

    [Fact]
    public void Arguments_of_an_unregistered_job_cause_no_warning() =>
        Assert.Single(Warnings(Where("path", "read-flie", deny: true)));

    [Fact]
    public void The_built_in_rules_cause_no_warning_even_without_registered_jobs() =>
        Assert.Empty(PolicyWarnings.Of(new Policy(1000, Policy.DefaultRules), []));

    /// <summary>The first character of a rule's text says whether it requires a ticket; callers and users follow.</summary>
    [Theory]
    [InlineData("www-data", "+www-data *")]
    [InlineData("www-data", "-www-data self", "+www-data *")]
    [InlineData("www-data", "-carol *", "+www-data *")]
    [InlineData("www-data", "-* *", "+www-data backup")]
    [InlineData("*", "+www-data *")]
    [InlineData("@staff", "+carol *")]
    [InlineData("33", "+www-data *")]
    [InlineData("www-data", "-www-data *", "no rule has RequireSignIn")]
    [InlineData("www-data", "+carol *", "the rule \"0\" allows nothing: none of its callers may sign users in")]
    [InlineData("www-data", "-* *", "+www-data @staff", "the rule \"1\" requires a ticket without effect: the rule \"0\" before it")]
    [InlineData("www-data", "-www-data backup", "+www-data backup", "the rule \"1\" requires a ticket without effect")]
    public void A_sign_in_that_protects_nothing_or_that_nobody_can_use_causes_a_warning(string callers, params string[] rest)
    {
        string[] rules = [.. rest.Where(text => text[0] is '+' or '-')];
        string? warning = rest.SingleOrDefault(text => text[0] is not ('+' or '-'));
        var options = new PolicyOptions
        {
            SignIn = new SignInOptions { PamService = "other", Callers = [callers] },
            Rules = [.. rules.Select((text, index) => new RuleOptions
            {
                Name = $"{index}",
                Callers = [text[1..].Split(' ')[0]],
                Jobs = ["*"],
                As = [text.Split(' ')[1]],
                RequireSignIn = text[0] == '+',
            })],
        };
        string[] warnings = [.. PolicyWarnings.Of(PolicyReader.Read(options, PolicyWorld.Instance), Jobs)];
        if (warning is null)
            Assert.Empty(warnings);
        else
            Assert.Contains(warning, Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_warning_is_logged_once_while_it_lasts_and_again_when_it_returns()
    {
        List<string> told = [];
        var warnings = new PolicyWarnings(told.Add);
        Policy policy = Read(new RuleOptions { Jobs = ["id", "backup"] });
        const string Warning = "the rule \"x\" allows the job \"backup\", but no such job is registered";
        JobDescription[] more = [.. Jobs, new() { Name = "backup", Kind = JobKind.Text }];

        warnings.Log(policy, Jobs);
        warnings.Log(policy, [.. Jobs]);
        Assert.Equal([Warning], told);

        warnings.Log(policy, more);
        Assert.Single(told);

        warnings.Log(policy, Jobs);
        Assert.Equal([Warning, Warning], told);
    }

    [Fact]
    public void After_a_job_host_changes_its_jobs_only_new_warnings_are_logged()
    {
        List<string> told = [];
        var warnings = new PolicyWarnings(told.Add);
        Policy policy = Read(new RuleOptions { Jobs = ["id", "backup"] });
        warnings.Log(policy, Jobs);

        warnings.Log(policy, Jobs[1..]);

        Assert.Equal(["backup", "id"], told.Select(warning => warning.Split('"')[3]));
    }

    [Fact]
    public void For_another_policy_all_warnings_are_logged()
    {
        List<string> told = [];
        var warnings = new PolicyWarnings(told.Add);
        warnings.Log(Read(new RuleOptions { Jobs = ["backup"] }), Jobs);

        warnings.Log(Read(new RuleOptions { Jobs = ["backup"] }), Jobs);

        Assert.Equal(2, told.Count);
    }

    private static RuleOptions Where(string arguments, string job, bool deny)
    {
        var rule = new RuleOptions { Jobs = [job], Deny = deny };
        foreach (string argument in arguments.Split(' '))
            rule.Where.Add(argument, new ConditionOptions { EqualTo = "1" });
        return rule;
    }

    private static string[] Warnings(RuleOptions rule, JobDescription[]? jobs = null) => [.. PolicyWarnings.Of(Read(rule), jobs ?? Jobs)];

    private static Policy Read(RuleOptions rule)
    {
        (rule.Name, rule.Callers, rule.As) = ("x", ["*"], ["self"]);
        return PolicyReader.Read(new PolicyOptions { Rules = [rule] }, PolicyWorld.Instance);
    }

    private static JsonElement Schema(params string[] names) =>
        JsonElement.Parse($$"""{"type":"object","properties":{{{string.Join(',', names.Select(name => $$"""
            "{{name}}":{"type":"string"}
            """))}}},"additionalProperties":false}""");
}
