namespace PipeForkAs.Protocol;

/// <summary>One argument of a job, described for people.</summary>
/// <param name="Name">The name, which is the part before <c>=</c>.</param>
/// <param name="Expectation">The expected value, for example <c>an integer</c> or <c>one of fast, slow</c>.</param>
/// <param name="Required">Whether the job cannot run without the argument.</param>
/// <param name="Default">The value as JSON that the job uses if the argument is missing; null if the schema has no default.</param>
/// <param name="Description">The purpose of the argument; null if the schema does not contain it.</param>
public sealed record ArgumentDescription(string Name, string Expectation, bool Required, string? Default, string? Description)
{
    /// <summary>The regular expression that the whole value must match; null for any value.</summary>
    public string? Pattern { get; init; }
}
