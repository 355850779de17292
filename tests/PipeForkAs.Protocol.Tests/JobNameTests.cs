namespace PipeForkAs.Protocol.Tests;

public sealed class JobNameTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("7")]
    [InlineData("list-directory")]
    [InlineData("A.b_c-9")]
    [InlineData("a..")]
    public void A_name_of_letters_digits_and_some_marks_is_valid(string name) => Assert.True(JobName.IsValid(name));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData(".a")]
    [InlineData("_a")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("a\n")]
    [InlineData("a\0")]
    [InlineData("é")]
    [InlineData("٣")]
    public void Anything_else_is_not(string? name) => Assert.False(JobName.IsValid(name));

    [Fact]
    public void A_name_has_at_most_64_characters()
    {
        Assert.True(JobName.IsValid(new string('a', 64)));
        Assert.False(JobName.IsValid(new string('a', 65)));
    }
}
