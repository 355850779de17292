using System.Text.Json.Serialization;
using PipeForkAs.Jobs;

namespace TemplateNamespace;

/// <summary>The jobs that users may request. Registration runs as root, before the fork: it must start no thread, task or timer.</summary>
internal static class RegisteredJobs
{
    public static void Register(JobCollection jobs)
    {
        // Returns text.
        jobs.Add("whoami", job => $"{job.User.Name}\n").WithDescription("Show the user of the job");

        // Typed: a record of arguments, and a record as the result, both as JSON.
        jobs.Add("greet", () => JobsJson.Default.Greeting, () => JobsJson.Default.Greeted,
            greeting => new Greeted($"Hello, {greeting.Name}")).WithDescription("Greet somebody");

        // Streaming: standard input, output and error, and an exit code.
        jobs.Add("upper", UpperAsync).WithDescription("Make lines upper case").WithTimeout(TimeSpan.FromMinutes(1));
    }

    private static async Task<int> UpperAsync(JobContext job)
    {
        using var reader = new StreamReader(job.Input);
        await using var writer = new StreamWriter(job.Output);
        while (await reader.ReadLineAsync(job.CancellationToken) is { } line)
            await writer.WriteLineAsync(line.ToUpperInvariant());
        return 0;
    }
}

internal sealed record Greeting(string Name);

internal sealed record Greeted(string Text);

[JsonSerializable(typeof(Greeting)), JsonSerializable(typeof(Greeted))]
internal sealed partial class JobsJson : JsonSerializerContext;
