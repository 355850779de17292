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
    public void What_names_jobs_causes_no_warning(params string[] names) =>
        Assert.Empty(Warnings(new RuleOptions { Jobs = names }));

    [Theory]
    [InlineData(false, "read-flie", "the rule \"x\" allows the job \"read-flie\", but no such job is registered")]
    [InlineData(true, "Read-file", "the rule \"x\" denies the job \"Read-file\", but no such job is registered")]
    [InlineData(true, "read-file2", "the rule \"x\" denies the job \"read-file2\", but no such job is registered")]
    [InlineData(true, "write-*", "the rule \"x\" denies the job \"write-*\", but the name of no registered job starts with it")]
    public void A_job_that_there_is_not_causes_a_warning_also_beside_others(bool deny, string name, string warning) =>
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
    public void A_rule_that_denies_jobs_whatever_their_arguments_are_causes_a_warning(string argument, string job, string denied) =>
        Assert.Equal(
        [$"the rule \"x\" denies {denied} with any arguments: not every argument that Where tests ({argument}) is an argument there"],
        Warnings(Where(argument, job, deny: true)));

    [Theory]
    [InlineData("~/.ssh")]
    [InlineData("/etc")]
    public void A_rule_that_denies_by_a_folder_causes_a_warning_since_links_pass_it(string folder)
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
    public void A_rule_that_denies_by_the_text_of_a_path_is_doubted_since_other_texts_pass_it(string? equal, string? other, string? pattern)
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
    public void A_rule_that_denies_by_a_text_that_is_not_a_path_is_not_doubted(string? equal, string? pattern)
    {
        RuleOptions rule = Where("path", "read-*", deny: true);
        rule.Where["path"] = new ConditionOptions { EqualTo = equal, Pattern = pattern };
        Assert.Empty(Warnings(rule));
    }

    [Fact]
    public async Task Doubts_that_are_worked_out_on_another_thread_are_told_in_the_order_of_the_calls()
    {
        List<string> told = [];
        var warnings = new PolicyWarnings(told.Add);
        string[] names = [.. Enumerable.Range(0, 50).Select(number => $"job{number}")];
        await Task.WhenAll(names.Select(name => warnings.LogAsync(Read(new RuleOptions { Jobs = [name] }), Jobs)).ToArray());
        Assert.Equal(names, told.Select(warning => warning.Split('"')[3]));
    }

    [Fact]
    public void Many_jobs_are_not_all_named()
    {
        JobDescription[] many = [
            .. Enumerable.Range(1, 7).Select(number => new JobDescription { Name = $"job{number}", Kind = JobKind.Text })];
        Assert.Contains(
            "denies job1, job2, job3, job4, job5 and 2 more with any arguments",
            Assert.Single(Warnings(Where("path", "*", deny: true), many)));
    }

    [Fact]
    public void Of_a_job_that_there_is_not_no_argument_causes_a_warning() =>
        Assert.Single(Warnings(Where("path", "read-flie", deny: true)));

    [Fact]
    public void The_built_in_rules_cause_no_warning_even_where_no_job_is_registered() =>
        Assert.Empty(PolicyWarnings.Of(new Policy(1000, Policy.DefaultRules), []));

    [Fact]
    public void A_doubt_is_told_once_while_it_lasts_and_again_when_it_comes_back()
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
    public void A_job_host_that_comes_with_other_jobs_has_only_what_is_new_told()
    {
        List<string> told = [];
        var warnings = new PolicyWarnings(told.Add);
        Policy policy = Read(new RuleOptions { Jobs = ["id", "backup"] });
        warnings.Log(policy, Jobs);

        warnings.Log(policy, Jobs[1..]);

        Assert.Equal(["backup", "id"], told.Select(warning => warning.Split('"')[3]));
    }

    [Fact]
    public void Of_another_policy_all_doubts_are_told()
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
