using FsCheck.Fluent;

namespace PipeForkAs.Protocol.Tests;

public sealed class JobPatternTests
{
    [Theory]
    [InlineData("read-file")]
    [InlineData("*")]
    [InlineData("read-*")]
    [InlineData("r*")]
    public void A_name_a_prefix_and_a_star_are_patterns(string pattern) => Assert.True(JobPattern.IsValid(pattern));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("**")]
    [InlineData("*read")]
    [InlineData("re*d")]
    [InlineData("read-**")]
    [InlineData("-*")]
    [InlineData("read *")]
    [InlineData("read\n")]
    [InlineData("*\n")]
    [InlineData("é*")]
    public void Anything_else_is_not(string? pattern) => Assert.False(JobPattern.IsValid(pattern));

    [Fact]
    public void A_prefix_may_be_as_long_as_a_name()
    {
        Assert.True(JobPattern.IsValid(new string('a', 64) + "*"));
        Assert.False(JobPattern.IsValid(new string('a', 65) + "*"));
    }

    [Theory]
    [InlineData("*", "read", true)]
    [InlineData("read", "read", true)]
    [InlineData("read", "Read", false)]
    [InlineData("read", "read-file", false)]
    [InlineData("read*", "read", true)]
    [InlineData("read*", "read-file", true)]
    [InlineData("read-*", "read", false)]
    [InlineData("read*", "Read-file", false)]
    [InlineData("read*", "a-read", false)]
    public void A_pattern_matches_its_jobs(string pattern, string job, bool expected) =>
        Assert.Equal(expected, JobPattern.Matches(pattern, job));

    [Fact]
    public void A_name_matches_only_itself_and_each_of_its_prefixes_matches_it() => Properties.Holds(
        from one in Generate.JobName from other in Generate.JobName select (one, other),
        names =>
        {
            (string one, string other) = names;
            Assert.True(JobPattern.IsValid(one) && JobPattern.Matches(one, one));
            Assert.Equal(one == other, JobPattern.Matches(one, other));
            for (int length = 1; length <= one.Length; length++)
            {
                string pattern = one[..length] + "*";
                Assert.True(JobPattern.IsValid(pattern) && JobPattern.Matches(pattern, one));
                Assert.Equal(other.StartsWith(one[..length], StringComparison.Ordinal), JobPattern.Matches(pattern, other));
            }
        });
}
