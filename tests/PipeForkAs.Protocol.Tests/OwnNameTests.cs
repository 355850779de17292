namespace PipeForkAs.Protocol.Tests;

public sealed class OwnNameTests
{
    [Theory]
    [InlineData("pipeforkas", false)]
    [InlineData("/usr/bin/pipeforkas", false)]
    [InlineData("my program", false)]
    [InlineData("", true)]
    [InlineData(" ", true)]
    [InlineData("/", true)]
    [InlineData("/usr/bin/", true)]
    [InlineData("a\tb", true)]
    [InlineData("\n", true)]
    [InlineData(".x", true)]
    public void An_argv0_that_is_not_a_valid_name_is_detected(string argument, bool missing) =>
        Assert.Equal(missing, OwnName.IsNoName(argument));

    [Fact]
    public void This_test_process_has_a_name() => Assert.False(OwnName.IsMissing);
}
