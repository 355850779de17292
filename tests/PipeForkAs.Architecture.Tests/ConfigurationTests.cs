using System.Text.RegularExpressions;

namespace PipeForkAs.Architecture.Tests;

/// <summary>
/// The configuration of the daemon is a snapshot: a reload replaces it as a whole, so two values never come from different files.
/// </summary>
public sealed partial class ConfigurationTests
{
    [Fact]
    public void Only_the_code_that_reads_a_configuration_writes_to_it()
    {
        SourceFile[] writing = [.. Repository.SourceFiles.Where(file => file.IsIn("src/PipeForkAs.Daemon") && Write().IsMatch(file.Code))];
        Assert.NotEmpty(writing);
        Assert.All(writing, file => Assert.True(file.IsIn("src/PipeForkAs.Daemon/Loading"), $"{file} writes to the configuration"));
    }

    [Theory]
    [InlineData("options.JobHosts = fresh;", true)]
    [InlineData("parts.Configuration.Value.Policy = fresh;", true)]
    [InlineData("configuration.Limits.MaxJobs += 1;", true)]
    [InlineData("options.Policy.Rules ??= [];", true)]
    [InlineData("if (options.Policy == other)", false)]
    [InlineData("options.Select(option => option.Name)", false)]
    public void A_write_to_a_configuration_is_detected(string code, bool isSeen) => Assert.Equal(isSeen, Write().IsMatch(code));

    [GeneratedRegex(@"\b(options|Options|configuration|Configuration|Limits)(\.\w+)+\s*([-+*/|&]|\?\?)?=(?![=>])")]
    private static partial Regex Write();
}
