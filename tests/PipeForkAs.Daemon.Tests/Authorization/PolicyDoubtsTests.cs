using System.Text.Json;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Tests.Authorization;

public class PolicyDoubtsTests
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
    public void What_names_jobs_is_not_doubted(params string[] names) => Assert.Empty(Doubts(new RuleOptions { Jobs = names }));

    [Theory]
    [InlineData(false, "read-flie", "the rule \"x\" allows the job \"read-flie\", and no job of that name is registered")]
    [InlineData(true, "Read-file", "the rule \"x\" denies the job \"Read-file\", and no job of that name is registered")]
    [InlineData(true, "read-file2", "the rule \"x\" denies the job \"read-file2\", and no job of that name is registered")]
    [InlineData(true, "write-*", "the rule \"x\" denies the job \"write-*\", and no registered job's name begins so")]
    public void A_job_that_there_is_not_is_doubted_also_beside_others(bool deny, string name, string doubt) =>
        Assert.Equal([doubt], Doubts(new RuleOptions { Jobs = ["id", name], Deny = deny }));

    [Theory]
    [InlineData("path", "read-file")]
    [InlineData("offset", "read-*")]
    [InlineData("path", "*")]
    [InlineData("whatever", "anything")]
    public void An_argument_that_one_of_the_jobs_has_is_not_doubted(string argument, string job) => Assert.Empty(Doubts(Where(argument, job, deny: false)));

    [Theory]
    [InlineData("Path", "read-file", false, "which none of its jobs has: it never allows anything")]
    [InlineData("offset", "read-file", true, "which none of its jobs has: it denies them whatever their arguments are")]
    [InlineData("path", "id", false, "which none of its jobs has: it never allows anything")]
    public void An_argument_that_none_of_the_jobs_has_is_doubted(string argument, string job, bool deny, string doubt) =>
        Assert.Equal([$"the rule \"x\" looks at the argument \"{argument}\", {doubt}"], Doubts(Where(argument, job, deny)));

    [Fact]
    public void Of_a_job_that_there_is_not_no_argument_is_doubted() => Assert.Single(Doubts(Where("path", "read-flie", deny: true)));

    [Fact]
    public void The_built_in_rules_are_not_doubted() => Assert.Empty(PolicyDoubts.Of(new Policy(1000, Policy.DefaultRules), Jobs));

    private static RuleOptions Where(string argument, string job, bool deny) =>
        new() { Jobs = [job], Deny = deny, Where = { [argument] = new ConditionOptions { EqualTo = "1" } } };

    private static string[] Doubts(RuleOptions rule)
    {
        (rule.Name, rule.Callers, rule.As) = ("x", ["*"], ["self"]);
        return [.. PolicyDoubts.Of(PolicyReader.Read(new PolicyOptions { Rules = [rule] }, PolicyWorld.Instance), Jobs)];
    }

    private static JsonElement Schema(params string[] names) =>
        JsonElement.Parse($$"""{"type":"object","properties":{{{string.Join(',', names.Select(name => $$"""
            "{{name}}":{"type":"string"}
            """))}}},"additionalProperties":false}""");
}
