using System.Text;
using System.Text.RegularExpressions;
using PipeForkAs.Daemon.Patterns;

namespace PipeForkAs.Daemon.Tests.Patterns;

/// <summary>Compares the matches of random patterns and values with those of the .NET engine.</summary>
public sealed class PatternPropertyTests
{
    private const int Patterns = 4_000, ValuesOfEach = 25;

    private static readonly string[] Elements =
    [
        "a", "b", "A", ".", "-", " ", "#", "{", "}", ",", "]", "ß", "İ", "ı", "K", "é", @"\d", @"\D", @"\w", @"\W", @"\s", @"\S", @"\b",
            @"\B", "^", "$", @"\A", @"\Z", @"\z",
        @"\.", @"\-", @"\x41", @"\u0061", @"\cJ", @"\e", @"\0", @"\012", @"\n", @"\t", @"\<", @"\'", @"\#", @"\p{Lu}", @"\P{L}",
            @"\p{IsGreek}", "{2", "{,3}", "{x}", "(?#c)", @"\57", "a{2}",
        "[ab]", "[^a]", "[]a]", "[^]a]", "[a-c]", "[-a]", "[a-]", @"[\w-[b]]", "[a-z-[a-m-[c]]]", @"[\d-x]", @"[a\-z]", @"[\]]", "[[a]",
            "[a[b]", @"[\x41-\x43]", @"[\b]", "[(?#]", @"[\p{Ll}1]",
        "[^\0]", "[ #]", @"[\0-\x20]", "(?i)", "(?-i)", "(?m)", "(?s)", "(?x)", "(?-x)", "(?i-s)", "(?n)", @"\r?\n", "\n",
    ];

    private static readonly string[] Quantifiers =
        ["*", "+", "?", "{2}", "{0}", "{1,}", "{0,2}", "{2,3}", "*?", "+?", "??", "{1,2}?", "{65}", "{0,70}", "{3,}", " {2}", " *"];
    private static readonly string[] Openings =
        ["(", "(?:", "(?<name>", "(?'n2'", "(?<7>", "(?i:", "(?-i:", "(?x:", "(?m-s:", "(?s:", "(?n:"];
    private const string Letters = "aabbAABBcxé ßİıKk1\n\t-#{}0.,]'<\u200D";

    [Fact]
    public void Random_patterns_match_as_in_DotNet()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        int compared = 0, matched = 0;
        for (int i = 0; i < Patterns; i++)
        {
            (string text, string guarded) = Make(random, 3);
            if (Theirs(text) is null || Theirs(guarded) is not { } theirs)
                continue;
            Pattern ours;
            try
            {
                ours = Pattern.Create(text, "key", 128);
            }
            catch (NotSupportedException refused) when (refused.Message.Contains("states", StringComparison.Ordinal))
            {
                continue; // Nested repetitions make it too large.
            }

            for (int j = 0; j < ValuesOfEach; j++)
            {
                string value = Value(random);
                if (ours.IsTooLong(value))
                    continue;
                bool expected = theirs.IsMatch(value);
                Assert.True(expected == ours.Matches(value), $"seed {seed}: {Shown(text)} and {Shown(value)}: .NET says {expected}");
                compared++;
                matched += expected ? 1 : 0;
            }
        }

        Assert.InRange(compared, Patterns * ValuesOfEach / 4, int.MaxValue);
        Assert.InRange(matched, compared / 100, int.MaxValue);
    }

    /// <summary>Anything that .NET refuses is refused.</summary>
    [Fact]
    public void Random_letters_are_a_valid_pattern_exactly_if_DotNet_accepts_them()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        for (int i = 0; i < 15_000; i++)
        {
            string text =
                string.Create(random.Next(1, 9), random, static (letters, source) =>
                source.GetItems(@"ab()[]{}|\?*+^$.-1,:=!<>'#ixsmn 2wWpPkbBcuz".AsSpan(), letters));
            bool isOurs = true;
            try
            {
                _ = Pattern.Create(text, "key");
            }
            catch (Exception refused) when (refused is ArgumentException or NotSupportedException)
            {
                isOurs = false;
            }

            Assert.True(isOurs == Theirs(text) is not null, $"seed {seed}: {Shown(text)}");
        }
    }

    [Theory]
    [InlineData("(?:a+|)+")]
    [InlineData("(?:a{1,2}|)+")]
    [InlineData("(?:a+|){2,3}")]
    public void A_loop_in_a_repeated_group_that_may_be_empty_matches_the_empty_text(string text) =>
        Assert.True(Pattern.Create(text, "key").Matches(""));

    private static Regex? Theirs(string text)
    {
        foreach (string whole in new[] { $@"\A(?:{text})\z", $"\\A(?:{text}\n)\\z" })
        {
            try
            {
                _ = new Regex(text, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
                return new Regex(whole, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            }
            catch (NotSupportedException)
            {
                return null;
            }
            catch (ArgumentException)
            {
            }
        }

        return null;
    }

    /// <summary>
    /// A pattern, and an equivalent one in which each group is captured: .NET 10 merges loops of groups without a capture, and then
    /// <c>(?:a+|)+</c> does not match the empty text.
    /// </summary>
    private static (string Text, string Guarded) Make(Random random, int depth)
    {
        StringBuilder text = new(), guarded = new();
        for (int i = random.Next(1, 5); i > 0; i--)
        {
            if (depth > 0 && random.Next(4) == 0)
            {
                string opening = Pick(random, Openings);
                (string inner, string guardedInner) = Make(random, depth - 1);
                text.Append(opening).Append(inner).Append(')');
                guarded.Append("(?<guard>").Append(opening).Append(guardedInner).Append("))");
            }
            else
            {
                string element = Pick(random, Elements);
                text.Append(element);
                guarded.Append(element);
            }

            string end = (random.Next(3) == 0 ? Pick(random, Quantifiers) : "") + (random.Next(8) == 0 ? "|" : "");
            text.Append(end);
            guarded.Append(end);
        }

        return (text.ToString(), guarded.ToString());
    }

    private static string Value(Random random) =>
        random.Next(20) == 0 ? new string(Letters[random.Next(Letters.Length)], random.Next(60, 75))
        : string.Create(random.Next(0, 6), random, static (letters, source) => source.GetItems(Letters.AsSpan(), letters));

    private static string Pick(Random random, string[] from) => from[random.Next(from.Length)];

    private static string Shown(string text) => System.Text.Json.JsonSerializer.Serialize(text);
}
