namespace PipeForkAs.Protocol;

/// <summary>The jobs that a rule of the policy, or a line of a user's consent file, applies to: one by its name, those with a prefix
/// (<c>read-*</c>), or all (<c>*</c>).
/// </summary>
public static class JobPattern
{
    /// <summary>The pattern for all jobs.</summary>
    public const string All = "*";

    /// <summary>The rule in words that fit after "must be".</summary>
    public const string Rule = "a job's name, or the beginning of one and \"*\"; a name is " + JobName.Rule;

    /// <summary>Whether a text follows the rule.</summary>
    public static bool IsValid(string? pattern) =>
        JobName.IsValid(pattern) || pattern is All || (pattern is [.. var beginning, '*'] && JobName.IsValid(beginning));

    /// <summary>Whether a pattern matches a job.</summary>
    /// <param name="pattern">A valid pattern.</param>
    /// <param name="job">The job's name.</param>
    public static bool Matches(string pattern, string job)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        return pattern is [.. var beginning, '*']
            ? job.AsSpan().StartsWith(beginning, StringComparison.Ordinal)
            : string.Equals(job, pattern, StringComparison.Ordinal);
    }
}
