using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Loading;

namespace PipeForkAs.Daemon.Tests.Loading;

/// <summary>A configuration file is one JSON object, whose keys are known.</summary>
public sealed class ConfigurationSyntaxTests : ConfigurationTest
{
    [Theory]
    [InlineData("{ \"Limits\": ,", "line 1, column 13: ")]
    [InlineData("{\n  \"Limits\": {\n    \"MaxJobs\": 1,,\n  }\n}", "line 3, column 18: ")]
    [InlineData("{ \"Limits\": { \"ä€😀\": 1,, } }", "line 1, column 24: ")]
    public void A_mistake_in_JSON_is_told_with_its_line_as_an_editor_counts(string text, string place)
    {
        string file = Folder.Write("wrong.json", text);
        string message = Assert.Throws<ConfigurationException>(() => ConfigurationFile.Read(file)).Message;
        Assert.StartsWith($"{file}: {place}", message);
        Assert.DoesNotContain("LineNumber", message);
    }

    [Theory]
    [InlineData("{ \"a\\n\\u001b[2J\": 1 }")]
    [InlineData("{ \"Limits\": nlul,\n\"Policy\": 1 }")]
    [InlineData("""{ "Policy": { "Rules": [ { "Name": "a", "Callers": ["x\n\u2028"], "Jobs": ["*"], "As": ["self"] } ] } }""")]
    public void A_problem_is_told_in_one_line_whatever_the_file_holds(string text)
    {
        string file = Folder.Write("wrong.json", text);
        ConfigurationException refused = Assert.Throws<ConfigurationException>(() => ConfigurationFiles.Load([file]));
        Assert.NotEmpty(refused.Problems);
        Assert.All(refused.Problems, problem => Assert.DoesNotContain(problem, letter => char.IsControl(letter) || letter == '\u2028'));
    }

    [Fact]
    public void A_key_of_many_parts_is_refused_at_little_cost()
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes($"{{ \"a{new string(':', 100_000)}\": 1 }}");
        _ = Assert.Throws<ConfigurationException>(() => ConfigurationFile.Parse("a", text));
        long before = GC.GetAllocatedBytesForCurrentThread();
        var refused = Assert.Throws<ConfigurationException>(() => ConfigurationFile.Parse("a", text));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 * 1024 * 1024);
        Assert.Equal($"a: a{new string(':', 20)}...: is nested too deeply; a key has at most 32 parts", refused.Message);
    }

    [Fact]
    public void A_key_of_as_many_parts_as_there_may_be_costs_little()
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes($"{{ \"a{new string(':', 31)}\": 1 }}");
        _ = ConfigurationFile.Parse("a", text).Problems().Count();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.NotEmpty(ConfigurationFile.Parse("a", text).Problems());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256 * 1024);
    }

    [Fact]
    public void Keys_are_known_whatever_their_case_and_names_of_jobs_keep_theirs()
    {
        DaemonOptions options = Load(
            $$"""{ "limits": { "MAXJOBS": 5 }, "commands": { "My-Job": { "command": [ "/usr/bin/env" ] } }, {{Host}} }""");
        Assert.Equal(5, options.Limits.MaxJobs);
        Assert.Equal("My-Job", Assert.Single(options.Commands).Key);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("5")]
    [InlineData("null")]
    [InlineData("{} {}")]
    [InlineData("{ \"Limits\": { \"MaxJobs\": 01 } }")]
    [InlineData("{ \"Limits\": { \"MaxJobs\": 1, \"MaxJobs\": 2 } }")]
    [InlineData("{ \"Limits\": { \"MaxJobs\": 1, \"maxjobs\": 2 } }")]
    [InlineData("{ \"JobHosts\": [ { \"Path\": \"/a\" } ], \"JobHosts\": [ { \"Path\": \"/b\" } ] }")]
    [InlineData("{ \"Commands\": { \"x\": { \"Command\": [ \"/a\" ] }, \"X\": { \"Command\": [ \"/b\" ] } } }")]
    [InlineData("""{ "Socket": { "Path": "/run/\ud800" } }""")]
    public void What_is_no_json_object_or_says_something_twice_is_refused_with_its_file(string json)
    {
        string path = Folder.Write("a.json", json);
        Assert.StartsWith($"{path}: ", Assert.Single(Problems(path)), StringComparison.Ordinal);
    }
}
