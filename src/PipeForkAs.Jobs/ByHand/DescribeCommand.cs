using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Jobs.ByHand;

/// <summary>Describes a job: what was said about it where it was registered, and the schema of its arguments.</summary>
internal sealed class DescribeCommand : Command
{
    private readonly JobArgument name;

    public DescribeCommand(JobCollection jobs)
        : base("describe", "Describes a job: its arguments, the variables that it allows, its time limit.")
    {
        name = new JobArgument(jobs);
        Add(name);
        SetAction(Describe);
    }

    public static string Kind(Job job) => job.Kind switch
    {
        JobKind.Text => "text",
        JobKind.Typed => "typed",
        _ => "streaming",
    };

    /// <summary>The schema of a job's arguments; null where it takes none.</summary>
    public static JsonElement? Schema(Job job)
    {
        if (job.ArgumentsSchema() is not { } schema)
            return null;
        using JsonDocument document = JsonDocument.Parse(schema.ToJsonString());
        return document.RootElement.Clone();
    }

    private int Describe(ParseResult parsed)
    {
        if (!name.TryFind(parsed, out Job? job))
            return ExitCode.UnknownJob;

        Terminal.Line($"{job.Name} ({Kind(job)}){(job.Description.Length > 0 ? ": " : "")}{job.Description}");
        if (job.Timeout > TimeSpan.Zero)
            Terminal.Line(string.Create(CultureInfo.InvariantCulture, $"  ends after {job.Timeout.TotalSeconds} s"));
        if (job.Environment.Count > 0)
            Terminal.Line($"  clients may set {string.Join(", ", job.Environment)}");
        if (job.UnsafeEnvironment.Count > 0)
            Terminal.Line($"  clients may set {string.Join(", ", job.UnsafeEnvironment)}, which can run any code as the user");

        foreach (Sandbox sandbox in job.Sandboxes)
            Terminal.Line($"  sandbox: {sandbox.InWords()}");

        if (job.AuditedArguments.Count > 0)
            Terminal.Line($"  the audit record shows {(job.AuditedArguments.Contains("*") ? "all arguments" : string.Join(", ", job.AuditedArguments))}");

        JsonElement? schema = Schema(job);
        foreach (ArgumentDescription argument in ArgumentPairs.Describe(schema))
            Terminal.Line($"  {argument.Name}={argument.Expectation}{(argument.Required ? ", required" : "")}");
        Terminal.Line(schema is null ? "  takes no arguments" : Indented(schema.Value));
        return ExitCode.Success;
    }

    private static string Indented(JsonElement schema)
    {
        using var text = new MemoryStream();
        using (var writer = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true }))
            schema.WriteTo(writer);
        return System.Text.Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }
}
