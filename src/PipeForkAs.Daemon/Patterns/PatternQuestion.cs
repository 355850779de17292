namespace PipeForkAs.Daemon.Patterns;

/// <summary>Does a pattern match a value? <see cref="PatternMatcher"/> answers.</summary>
/// <param name="pattern">The pattern.</param>
/// <param name="value">The value.</param>
internal sealed class PatternQuestion(Pattern pattern, string value)
{
    public Pattern Pattern => pattern;

    public string Value => value;

    /// <summary>The answer; null where there is none: nobody has answered, or the request's patterns took too many steps.</summary>
    public bool? Matches { get; set; }
}
