using System.Text.Json.Serialization;

namespace PipeForkAs.Client;

/// <summary>An exception as data, or the failure to execute a program.</summary>
/// <param name="Type">
/// The kind that the job set, for example <c>not-found</c>, or else the exception's type with its namespace; <see cref="CannotExecute"/>
/// for a program that cannot be executed.
/// </param>
/// <param name="Message">The exception's message.</param>
/// <param name="Errno">The errno of the failed call; null if unknown.</param>
public sealed record JobError(
    [property: JsonPropertyName("type")] string Type,
    [property: JsonPropertyName("message")] string Message,
    [property: JsonPropertyName("errno"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Errno = null)
{
    /// <summary>The type for a program that cannot be executed. A function's failure never has it.</summary>
    public const string CannotExecute = "execve";

    /// <summary>Whether the error says that a program cannot be executed; no code of the job ran.</summary>
    [JsonIgnore]
    public bool IsOfExecution => Type == CannotExecute;
}
