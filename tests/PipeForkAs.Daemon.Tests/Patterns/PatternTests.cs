using PipeForkAs.Daemon.Patterns;

namespace PipeForkAs.Daemon.Tests.Patterns;

public sealed class PatternTests
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
    // The whole value must match, so the first alternative or a lazy repetition may not be the right choice.
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
    public void A_pattern_must_match_the_whole_value(string pattern, string value, bool matches) =>
        Assert.Equal(matches, Create(pattern).Matches(value));

    [Theory]
    [InlineData("^[^\0]{1,4096}$", 4096)]
    [InlineData("[a-z]{1,32768}", 32768)]
    public void A_pattern_can_limit_the_length_of_a_long_value(string pattern, int most)
    {
        var compiled = Pattern.Create(pattern, "key", most + 1);
        Assert.True(compiled.Matches(new string('x', most)));
        Assert.False(compiled.Matches(new string('x', most + 1)));
        Assert.False(compiled.Matches(""));
    }

    [Theory]
    [InlineData("((a{1,1000}){1,1000}){1,1000}")]
    [InlineData("(a{1,1000}|b{1,1000}|c{1,1000}){500}")]
    public void A_pattern_with_too_many_states_is_refused(string pattern) =>
        Assert.Throws<NotSupportedException>(() => Create(pattern));

    [Theory]
    [InlineData("(")]
    [InlineData("a)|(?:b")]
    [InlineData("a)(b")]
    [InlineData("[")]
    [InlineData(@"\")]
    [InlineData("*")]
    [InlineData("a{2,1}")]
    [InlineData("(?x) ( # comment")]
    public void An_invalid_regular_expression_is_refused(string pattern) =>
        Assert.ThrowsAny<ArgumentException>(() => Create(pattern));

    [Theory]
    [InlineData(@"(a+)\1")]
    [InlineData("(?=a)b")]
    [InlineData("(?!a)b")]
    [InlineData("(?<=a)b")]
    [InlineData("(?>a+)b")]
    public void A_pattern_that_needs_backtracking_is_refused(string pattern) => Assert.Throws<NotSupportedException>(() => Create(pattern));

    /// <summary>With backtracking each of these would exceed the deadline of the run.</summary>
    [Theory]
    [InlineData("(a+)+b", 'a')]
    [InlineData("(a|a)*b", 'a')]
    [InlineData("(a|aa)+b", 'a')]
    [InlineData("(.*)*=(.*)*;", 'x')]
    [InlineData(@"^(\w+\s?)*$", 'a')]
    [InlineData("(x+x+)+y", 'x')]
    public void A_hostile_value_does_not_make_a_pattern_slow(string pattern, char repeated) =>
        Assert.False(Pattern.Create(pattern, "key", 64 * 1024).Matches(new string(repeated, 30_000) + "!"));

    [Theory]
    [InlineData("(a.{1,200}b){1,200}", 4096)]
    [InlineData("(.*a.{1,200})*b", 64 * 1024)]
    [InlineData("(.*[ab].{1,1000}c){1,50}d", 4096)]
    public void A_match_never_takes_more_steps_than_a_request_has(string pattern, int most)
    {
        Pattern compiled;
        try
        {
            compiled = Pattern.Create(pattern, "key", most);
        }
        catch (NotSupportedException refused)
        {
            Assert.Contains("MaxLength of", refused.Message, StringComparison.Ordinal);
            return;
        }

        var random = new Random(1);
        long steps = Pattern.MaxSteps;
        Assert.NotNull(
            compiled.Match(string.Create(most, random, (value, source) => source.GetItems("abc".AsSpan(), value)), new PatternScratch(),
            ref steps));
        Assert.InRange(steps, 1, Pattern.MaxSteps);
    }

    [Fact]
    public void A_pattern_that_could_take_too_long_is_refused_with_a_possible_MaxLength()
    {
        string words = string.Join('|', Enumerable.Range(0, 5000).Select(number => $"word{number}x*"));
        NotSupportedException refused = Assert.Throws<NotSupportedException>(() => Create(words));
        string most = refused.Message.Split("MaxLength of ")[1];
        Assert.True(
            Pattern.Create(words, "key", int.Parse(most, System.Globalization.CultureInfo.InvariantCulture)).Matches("word4711xxx"));
    }

    [Fact]
    public void Thousands_of_words_are_possible_because_longer_values_are_not_matched()
    {
        Pattern words = Create(string.Join('|', Enumerable.Range(0, 5000).Select(number => $"word{number}")));
        Assert.True(words.Matches("word4711"));
        Assert.False(words.Matches("word47110"));
    }

    [Theory]
    [InlineData(4096, "a", true)]
    [InlineData(4097, "a", false)]
    [InlineData(2048, "é", true)]
    [InlineData(2049, "é", false)]
    [InlineData(1024, "😀", true)]
    [InlineData(1025, "😀", false)]
    public void The_length_of_a_value_is_its_number_of_bytes(int count, string letter, bool matches) =>
        Assert.Equal(matches, Create("(?s).*").Matches(string.Concat(Enumerable.Repeat(letter, count))));

    [Fact]
    public void The_depth_of_nested_groups_is_limited() =>
        Assert.Throws<NotSupportedException>(() => Create(new string('(', 1000) + "a" + new string(')', 1000)));

    private static Pattern Create(string pattern) => Pattern.Create(pattern, "key");
}
