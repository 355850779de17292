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
    public void A_name_is_something_that_is_not_white(string argument, bool missing) =>
        Assert.Equal(missing, OwnName.IsNoName(argument));

    [Fact]
    public void These_tests_have_a_name() => Assert.False(OwnName.IsMissing);
}
