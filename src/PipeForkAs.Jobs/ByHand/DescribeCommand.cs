using System.CommandLine;
using System.Text;
using System.Text.Json;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Jobs.ByHand;

/// <summary>Describes a job: the options of its registration, and the schema of its arguments.</summary>
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

    /// <summary>Returns the description that the daemon would give of the job.</summary>
    public static JobDescription DescriptionOf(Job job) => new()
    {
        Name = job.Name,
        Kind = job.Kind,
        Description = job.Description,
        Arguments = Schema(job),
        Environment = job.Environment,
        UnsafeEnvironment = job.UnsafeEnvironment,
        Timeout = job.Timeout > TimeSpan.Zero ? job.Timeout : null,
        Sandboxes = job.Sandboxes,
        AuditedArguments = job.AuditedArguments,
    };

    /// <summary>Returns the schema of a job's arguments; null if the job takes none.</summary>
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

        JobDescription description = DescriptionOf(job);
        Terminal.Write(JobText.Describe(description));
        if (description.Arguments is { } schema)
        {
            foreach (string line in UntrustedText.Lines(Indented(schema)))
                Terminal.Line(line);
        }

        return ExitCode.Success;
    }

    private static string Indented(JsonElement schema)
    {
        using var text = new MemoryStream();
        using (var writer = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true }))
            schema.WriteTo(writer);
        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }
}
