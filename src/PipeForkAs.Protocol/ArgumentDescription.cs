namespace PipeForkAs.Protocol;

/// <summary>One argument of a job, in words for a person.</summary>
/// <param name="Name">The name that stands left of <c>=</c>.</param>
/// <param name="Expectation">What it takes, for example <c>an integer</c> or <c>one of fast, slow</c>.</param>
/// <param name="Required">Whether the job cannot run without it.</param>
/// <param name="Default">The value as JSON that the job uses when it is not given; null when the schema names none.</param>
/// <param name="Description">What it is for; null when the schema does not say.</param>
public sealed record ArgumentDescription(string Name, string Expectation, bool Required, string? Default, string? Description)
{
    /// <summary>The regular expression that the whole value must match; null for any value.</summary>
    public string? Pattern { get; init; }
}
