using System.Text.Json;
using PipeForkAs.Protocol;

namespace PipeForkAs.Jobs.Registration;

/// <summary>
/// Whether the arguments that an audit record is to show are arguments of the job. Derives the schema: in a helper process, or by hand.
/// </summary>
internal static class AuditedArgumentNames
{
    /// <summary>What is wrong with a job's; null for nothing.</summary>
    /// <param name="job">The job.</param>
    /// <param name="schema">The schema of its arguments as JSON; empty where it takes none.</param>
    public static string? Problem(Job job, string schema)
    {
        if (job.AuditedArguments.Count == 0)
            return null;
        using JsonDocument? document = schema.Length > 0 ? JsonDocument.Parse(schema) : null;
        JsonElement? root = document?.RootElement;
        return job.AuditedArguments.FirstOrDefault(name => name != "*" && !ArgumentPairs.Knows(root, name)) is { } unknown
            ? $"the job {job.Name} shows the argument \"{unknown}\", which it does not have; {Known(root)}"
            : null;
    }

    private static string Known(JsonElement? schema)
    {
        string names = string.Join(", ", ArgumentPairs.Describe(schema).Select(argument => argument.Name));
        return names.Length > 0 ? $"it has {names}" : "it has none";
    }
}
