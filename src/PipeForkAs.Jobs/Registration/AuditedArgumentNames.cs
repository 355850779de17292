using System.Text.Json;
using PipeForkAs.Protocol;

namespace PipeForkAs.Jobs.Registration;

/// <summary>Checks that the arguments that an audit record shows are arguments of the job. It derives the schema, so it runs in a helper
/// process or by hand.
/// </summary>
internal static class AuditedArgumentNames
{
    /// <summary>Returns what is wrong with a job's audited names; null for nothing.</summary>
    /// <param name="job">The job.</param>
    /// <param name="schema">The schema of its arguments as JSON; empty if it takes none.</param>
    public static string? Problem(Job job, string schema)
    {
        if (job.AuditedArguments.Count == 0)
            return null;
        using JsonDocument? document = schema.Length > 0 ? JsonDocument.Parse(schema) : null;
        JsonElement? root = document?.RootElement;
        return job.AuditedArguments.FirstOrDefault(name => name != "*" && !ArgumentPairs.Knows(root, name)) is { } unknown
            ? $"the job {job.Name} audits the argument \"{unknown}\", which it does not have; {Known(root)}"
            : null;
    }

    private static string Known(JsonElement? schema)
    {
        string names = string.Join(", ", ArgumentPairs.Describe(schema).Select(argument => argument.Name));
        return names.Length > 0 ? $"it has {names}" : "it has none";
    }
}
