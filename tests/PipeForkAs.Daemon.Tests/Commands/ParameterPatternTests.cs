using PipeForkAs.Daemon.Commands;

namespace PipeForkAs.Daemon.Tests.Commands;

public sealed class ParameterPatternTests
{
    [Theory]
    [InlineData("[a-z]+", "abc", true)]
    [InlineData("^[a-z]+$", "abc", true)]
    [InlineData("^[a-z]+$", "abc\n", false)]
    [InlineData("[a-z]+", "abc\n", false)]
    [InlineData("[a-z]+", "\nabc", false)]
    [InlineData("[a-z]+", "abc1", false)]
    [InlineData("[a-z]+", "1abc", false)]
    [InlineData("(?m)^[a-z]+$", "abc\ndef", false)]
    [InlineData("(?s)a.b", "a\nb", true)]
    [InlineData("a.b", "a\nb", false)]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("a?", "", true)]
    // The whole value, not the first that matches: an alternative or a lazy repetition may have to give way.
    [InlineData("a|ab", "ab", true)]
    [InlineData("a|ab", "a", true)]
    [InlineData("a|b", "ab", false)]
    [InlineData("a+?", "aaa", true)]
    [InlineData("^a|b$", "ab", false)]
    [InlineData("^a|b$", "axyz", false)]
    [InlineData("^[^\0]{1,4096}$", "/tmp/x y", true)]
    [InlineData("(?i)abc", "ABC", true)]
    [InlineData("(?x) a b # a comment", "ab", true)]
    [InlineData("(?x) a b # a comment", "abc", false)]
    [InlineData("(?x) a | b # )", "b", true)]
    [InlineData(@"\A\d+\z", "12", true)]
    [InlineData(@"\w+", "é", true)]
    public void The_pattern_is_of_the_whole_value(string pattern, string value, bool matches) => Assert.Equal(matches, ParameterPattern.Create(pattern).Matches(value));

    [Theory]
    [InlineData("^[^\0]{1,4096}$", 4096)]
    [InlineData("[a-z]{1,32768}", 32768)]
    public void A_long_value_can_be_limited_in_its_length(string pattern, int most)
    {
        var compiled = ParameterPattern.Create(pattern);
        Assert.True(compiled.Matches(new string('x', most)));
        Assert.False(compiled.Matches(new string('x', most + 1)));
        Assert.False(compiled.Matches(""));
    }

    [Theory]
    [InlineData("((a{1,1000}){1,1000}){1,1000}")]
    [InlineData("(a{1,1000}|b{1,1000}|c{1,1000}){500}")]
    public void A_pattern_that_grows_beyond_all_bounds_is_refused(string pattern) => Assert.Throws<NotSupportedException>(() => ParameterPattern.Create(pattern));

    [Theory]
    [InlineData("(")]
    [InlineData("a)|(?:b")]
    [InlineData("a)(b")]
    [InlineData("[")]
    [InlineData(@"\")]
    [InlineData("*")]
    [InlineData("a{2,1}")]
    [InlineData("(?x) ( # comment")]
    public void What_is_no_regular_expression_by_itself_is_refused(string pattern) => Assert.ThrowsAny<ArgumentException>(() => ParameterPattern.Create(pattern));

    [Theory]
    [InlineData(@"(a+)\1")]
    [InlineData("(?=a)b")]
    [InlineData("(?!a)b")]
    [InlineData("(?<=a)b")]
    [InlineData("(?>a+)b")]
    public void What_needs_backtracking_is_refused(string pattern) => Assert.Throws<NotSupportedException>(() => ParameterPattern.Create(pattern));

    /// <summary>With backtracking each of these takes longer than the universe is old; the run's deadline would end it.</summary>
    [Theory]
    [InlineData("(a+)+b", 'a')]
    [InlineData("(a|a)*b", 'a')]
    [InlineData("(a|aa)+b", 'a')]
    [InlineData("(.*)*=(.*)*;", 'x')]
    [InlineData(@"^(\w+\s?)*$", 'a')]
    [InlineData("(x+x+)+y", 'x')]
    public void A_hostile_value_does_not_make_a_pattern_slow(string pattern, char repeated) =>
        Assert.False(ParameterPattern.Create(pattern).Matches(new string(repeated, 30_000) + "!"));
}
