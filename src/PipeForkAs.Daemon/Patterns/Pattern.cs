using System.Globalization;
using System.Text;

namespace PipeForkAs.Daemon.Patterns;

/// <summary>
/// A regular expression of .NET that a whole value must match. The cost of a match has a bound that is known when the pattern is read, from
/// the pattern and the longest value; <see cref="PatternMatcher"/> keeps matches off the loop.
/// </summary>
internal sealed class Pattern
{
    /// <summary>The default of the longest value, in bytes of UTF-8.</summary>
    public const int DefaultMaxLength = 4096;

    /// <summary>The largest maximum length that can be configured: the maximum size of a request's line.</summary>
    public const int LargestMaxLength = 64 * 1024;

    /// <summary>The maximum number of steps of a match. A step takes 1 to 3 ns.</summary>
    public const long MaxSteps = 4 * MaxCost;

    /// <summary>The largest product of the weight of a program and the length of a value; each unit of it needs up to 4 steps.</summary>
    private const long MaxCost = 16 * 1024 * 1024;

    private readonly PatternProgram program;
    private readonly long longest;

    private Pattern(string text, string origin, int maxLength, PatternProgram program, long longest)
    {
        (Text, Origin, MaxLength) = (text, origin, maxLength);
        this.program = program;
        this.longest = longest;
    }

    public string Text { get; }

    /// <summary>The configuration key that contains the pattern.</summary>
    public string Origin { get; }

    /// <summary>The longest value in bytes of UTF-8.</summary>
    public int MaxLength { get; }

    /// <summary>Whether the log already says that a request ran out of steps in this pattern.</summary>
    public bool IsExhaustionLogged { get; set; }

    /// <summary>Reads a pattern.</summary>
    /// <param name="text">The regular expression.</param>
    /// <param name="origin">The configuration key that contains the pattern.</param>
    /// <param name="maxLength">The longest value in bytes of UTF-8, 1 to <see cref="LargestMaxLength"/>.</param>
    /// <exception cref="ArgumentException">The text is not a regular expression.</exception>
    /// <exception cref="NotSupportedException">
    /// The pattern needs backtracking (a back reference, a look-around), or a match could take too long.
    /// </exception>
    public static Pattern Create(string text, string origin, int maxLength = DefaultMaxLength)
    {
        PatternNode read = PatternReader.Read(text);
        PatternProgram program = PatternCompiler.Compile(read);
        long length = Math.Min(maxLength, read.Longest) + 1;
        if (program.Weight * length > MaxCost)
        {
            throw new NotSupportedException(string.Create(CultureInfo.InvariantCulture,
                $"it has {program.Weight} states, and a match with values of {length - 1} characters could take too long; "
                + $"use smaller counts, or a MaxLength of {Math.Max(1, (MaxCost / program.Weight) - 1)}"));
        }

        return new Pattern(text, origin, maxLength, program, read.Longest);
    }

    /// <summary>Whether a value exceeds the maximum length.</summary>
    public bool IsTooLong(string value) =>
        value.Length > MaxLength || (value.Length * 3 > MaxLength && Encoding.UTF8.GetByteCount(value) > MaxLength);

    /// <summary>
    /// Whether the pattern matches a whole value: the place before a final newline is not the end. Null if the steps ran out.
    /// </summary>
    /// <param name="value">The value.</param>
    /// <param name="scratch">The memory.</param>
    /// <param name="steps">
    /// The available steps; the match subtracts those that it took. <see cref="MaxSteps"/> are enough for one match.
    /// </param>
    public bool? Match(string value, PatternScratch scratch, ref long steps)
    {
        if (IsTooLong(value) || value.Length > longest)
            return false;
        return new PatternMatch(program, value, scratch).Run(ref steps);
    }

    /// <summary>Matches a value immediately, for use while the configuration is read.</summary>
    public bool Matches(string value)
    {
        long steps = MaxSteps;
        return Match(value, new PatternScratch(), ref steps) == true;
    }
}
