using System.Text.RegularExpressions;

namespace PipeForkAs.Daemon.Commands;

/// <summary>A pattern that the whole of a value must match, in time that grows with the value's length alone.</summary>
internal sealed class ParameterPattern
{
    /// <summary>
    /// The runtime's own limit of 10,000 nodes refuses a value of up to 4,096 characters, <c>^[^\0]{1,4096}$</c>, as a path is. Nodes are
    /// made when they are needed; a value has 32,768 characters at most.
    /// </summary>
    private const int MaxNodes = 250_000;

    private readonly Regex regex;

    static ParameterPattern() => AppContext.SetData("REGEX_NONBACKTRACKING_MAX_AUTOMATA_SIZE", MaxNodes);

    private ParameterPattern(Regex regex) => this.regex = regex;

    /// <summary>Reads a pattern: a regular expression of .NET, of those that need no backtracking.</summary>
    /// <exception cref="ArgumentException">It is no regular expression.</exception>
    /// <exception cref="NotSupportedException">It needs backtracking (a back reference, a look-around), which a hostile value could make slow.</exception>
    public static ParameterPattern Create(string pattern)
    {
        // By itself first: in parentheses, a pattern that closes and opens them itself would pass.
        _ = Compile(pattern);
        try
        {
            return new ParameterPattern(Compile($@"\A(?:{pattern})\z"));
        }
        catch (ArgumentException)
        {
            // With (?x) a comment goes to the line's end, and takes the parenthesis with it.
            return new ParameterPattern(Compile($"\\A(?:{pattern}\n)\\z"));
        }
    }

    /// <summary>Whether the pattern matches all of the value: a '$' before a last newline is not the end.</summary>
    public bool Matches(string value) => regex.IsMatch(value);

    private static Regex Compile(string pattern) => new(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
}
