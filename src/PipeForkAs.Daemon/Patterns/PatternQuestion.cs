namespace PipeForkAs.Daemon.Patterns;

/// <summary>The question whether a pattern matches a value; <see cref="PatternMatcher"/> answers.</summary>
/// <param name="pattern">The pattern.</param>
/// <param name="value">The value.</param>
internal sealed class PatternQuestion(Pattern pattern, string value)
{
    public Pattern Pattern => pattern;

    public string Value => value;

    /// <summary>The answer; null if there is none yet, or if the patterns of the request took too many steps.</summary>
    public bool? Matches { get; set; }
}
