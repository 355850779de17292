using System.Text.RegularExpressions;

namespace PipeForkAs.Daemon.Commands;

/// <summary>A pattern that the whole of a value must match, in time that grows with the value's length alone.</summary>
internal sealed class ParameterPattern
{
    private readonly Regex regex;

    private ParameterPattern(Regex regex) => this.regex = regex;

    /// <exception cref="ArgumentException">It is no regular expression.</exception>
    /// <exception cref="NotSupportedException">It needs backtracking (a back reference, a look-around), which a hostile value could make slow.</exception>
    public static ParameterPattern Create(string pattern) =>
        new(new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant));

    /// <summary>Whether the pattern matches all of the value: a '$' before a last newline is not the end.</summary>
    public bool Matches(string value)
    {
        foreach (ValueMatch match in regex.EnumerateMatches(value))
            return match.Index == 0 && match.Length == value.Length;
        return false;
    }
}
