using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace PipeForkAs.Protocol.Tests;

public sealed class UntrustedTextTests
{
    private static readonly UnicodeCategory[] Harmful =
    [
        UnicodeCategory.Control, UnicodeCategory.Format, UnicodeCategory.Surrogate, UnicodeCategory.PrivateUse,
        UnicodeCategory.OtherNotAssigned, UnicodeCategory.LineSeparator, UnicodeCategory.ParagraphSeparator,
    ];

    /// <summary>Any characters, including lone surrogates, line ends and many that are escaped.</summary>
    private static readonly Gen<string> Texts = Gen.OneOf(
        Generate.Text,
        Gen.OneOf(
            Gen.Choose(0, 0xFFFF).Select(value => (char)value),
            Gen.Elements(
            [
                '\n', '\r', '\t', '\0', '\e', '\u0085', '\u009b', '\u200b', '\u200e', '\u200f', '\u202a', '\u202e', '\u2028', '\u2029',
                '\u2066', '\u2069', '\u061c', '\ufeff', '\ud800', '\udc00', '\ue000', '\uffff', ' ', 'a', 'b',
            ]))
            .ListOf().Select(letters => new string([.. letters])));

    [Theory]
    [InlineData("", "")]
    [InlineData("plain äöü 日本 \U0001F600", "plain äöü 日本 \U0001F600")]
    [InlineData("\e[2J\e]0;title\a", "\\u001b[2J\\u001b]0;title\\u0007")]
    [InlineData("a\r\nb\tc\0", "a\\r\\nb\\tc\\u0000")]
    [InlineData("\u009b31m\u007f\u0085", "\\u009b31m\\u007f\\u0085")]
    [InlineData("\u202etxt.exe\u2066\u200b", "\\u202etxt.exe\\u2066\\u200b")]
    [InlineData("\u200e\u200f\u061c\u2069\u202a", "\\u200e\\u200f\\u061c\\u2069\\u202a")]
    [InlineData("a\u2028b\u2029c", "a\\u2028b\\u2029c")]
    [InlineData("\U000E0041tag\U0010FFFF", "\\U000e0041tag\\U0010ffff")]
    [InlineData("\ue000\ufdd0\uffff", "\\ue000\\ufdd0\\uffff")]
    [InlineData("a\\nb", "a\\nb")]
    public void Control_and_format_characters_are_escaped(string text, string shown)
    {
        Assert.Equal(shown, UntrustedText.Escape(text));
        Assert.Equal(shown, UntrustedText.Escape(Encoding.UTF8.GetBytes(text)));
    }

    [Fact]
    public void Lone_surrogates_are_escaped()
    {
        Assert.Equal("\\ud800a\\udc00", UntrustedText.Escape("\ud800a\udc00"));
        Assert.Equal("\\udc00\\ud800", UntrustedText.Escape("\udc00\ud800"));
        Assert.Equal("\\ud800\U0001F600", UntrustedText.Escape("\ud800\ud83d\ude00"));
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_are_escaped_as_bytes()
    {
        Assert.Equal("a\\xffb", UntrustedText.Escape([(byte)'a', 0xFF, (byte)'b']));
        Assert.Equal("\\xed\\xa0\\x80", UntrustedText.Escape([0xED, 0xA0, 0x80]));
        Assert.Equal("\\xc0\\x80", UntrustedText.Escape([0xC0, 0x80]));
        Assert.Equal("ä\\xc3", UntrustedText.Escape([0xC3, 0xA4, 0xC3]));
    }

    [Fact]
    public void Each_character_of_Unicode_passes_or_is_escaped_by_its_category()
    {
        for (int value = 0; value <= 0x10FFFF; value++)
        {
            if (!Rune.IsValid(value))
                continue;
            string text = new Rune(value).ToString();
            bool isHarmful = Harmful.Contains(CharUnicodeInfo.GetUnicodeCategory(value));
            string shown = UntrustedText.Escape(text);
            if (isHarmful ? !shown.StartsWith('\\') || shown.Length > 10 : shown != text)
                Assert.Fail($"U+{value:X4} is shown as {shown}");
        }
    }

    [Fact]
    public void No_text_contains_harmful_characters_after_escaping() => Properties.Holds(Texts, text =>
    {
        AssertHarmless(UntrustedText.Escape(text));
        AssertHarmless(UntrustedText.Excerpt(text, 20));
        Assert.All(UntrustedText.Lines(text), AssertHarmless);
    });

    [Fact]
    public void No_bytes_produce_harmful_characters_after_escaping() =>
        Properties.Holds(Generate.Bytes, bytes => AssertHarmless(UntrustedText.Escape(bytes)));

    [Fact]
    public void Escaping_twice_equals_escaping_once() => Properties.Holds(Texts, text =>
    {
        string once = UntrustedText.Escape(text);
        Assert.Same(once, UntrustedText.Escape(once));
        Assert.Same(once, UntrustedText.Excerpt(once, once.Length + 3));
    });

    [Fact]
    public void An_excerpt_is_never_longer_than_its_limit_and_ends_between_characters() => Properties.Holds(
        from text in Texts from max in Gen.Choose(3, 40) select (text, max),
        one =>
        {
            (string text, int max) = one;
            string whole = UntrustedText.Escape(text), excerpt = UntrustedText.Excerpt(text, max);
            Assert.True(excerpt.Length <= max, $"{excerpt.Length} characters");
            if (whole.Length <= max)
            {
                Assert.Equal(whole, excerpt);
                return;
            }

            // The excerpt is the escaped form of a prefix, and one more character would not have fitted.
            Assert.EndsWith("...", excerpt, StringComparison.Ordinal);
            string kept = excerpt[..^3];
            string[] beginnings = [.. Enumerable.Range(0, text.Length + 1).Select(length => UntrustedText.Escape(text[..length]))];
            Assert.Contains(kept, beginnings);
            Assert.True(kept.Length > max - 3 - 10, $"only {kept.Length} characters are kept");
        },
        tests: 1000);

    [Theory]
    [InlineData("abcdef", 6, "abcdef")]
    [InlineData("abcdefg", 6, "abc...")]
    [InlineData("abc\n", 5, "abc\\n")]
    [InlineData("abc\nd", 5, "ab...")]
    [InlineData("abc\nd", 7, "abc\\nd")]
    [InlineData("\0\0\0", 12, "\\u0000...")]
    [InlineData("\0", 5, "...")]
    [InlineData("\U0001F600\U0001F600", 3, "...")]
    public void An_excerpt_counts_escaped_characters(string text, int max, string expected) =>
        Assert.Equal(expected, UntrustedText.Excerpt(text, max));

    [Fact]
    public void The_limit_of_an_excerpt_includes_its_dots() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => UntrustedText.Excerpt("a", 2));

    [Theory]
    [InlineData("", new string[0])]
    [InlineData("a", new[] { "a" })]
    [InlineData("a\nb\n", new[] { "a", "b" })]
    [InlineData("a\r\n\r\nb", new[] { "a", "", "b" })]
    [InlineData("a\rb\r", new[] { "a\\rb\\r" })]
    [InlineData("\n", new[] { "" })]
    [InlineData("a\u2028b\n\u202ec", new[] { "a\\u2028b", "\\u202ec" })]
    public void Lines_are_split_as_a_terminal_shows_them(string text, string[] lines) => Assert.Equal(lines, UntrustedText.Lines(text));

    private static void AssertHarmless(string line)
    {
        // Throws if a lone surrogate is left.
        foreach (Rune rune in line.EnumerateRunes())
            Assert.DoesNotContain(Rune.GetUnicodeCategory(rune), Harmful);
        Assert.Equal(line, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(line)));
    }
}
