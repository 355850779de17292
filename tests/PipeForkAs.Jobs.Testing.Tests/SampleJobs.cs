using System.Text.Json.Serialization;

namespace PipeForkAs.Jobs.Testing.Tests;

/// <summary>Jobs of an author.</summary>
internal static class SampleJobs
{
    public static void Register(JobCollection jobs)
    {
        jobs.Add("motto", () => "eggman");
        jobs.Add("greet", () => SampleJson.Default.Greeting, () => SampleJson.Default.Greeted,
            greeting => new Greeted($"Hello, {greeting.Name}")).WithAuditedArguments("Name");
        jobs.Add("cat", async job =>
        {
            await job.Input.CopyToAsync(job.Output, job.CancellationToken);
            return 0;
        });
        jobs.Add("fail", async job =>
        {
            await job.Output.WriteAsync("out"u8.ToArray());
            await job.Error.WriteAsync("err!"u8.ToArray());
            return 7;
        });
        jobs.Add("missing", string () => throw new JobException("not-found", "no such mailbox", errno: 2));
        jobs.Add("broken", string () => throw new FormatException("not a date"));
        jobs.Add("language", () => Environment.GetEnvironmentVariable("LANG") ?? "none").AllowEnvironment("LANG");
        jobs.Add("pager", () => Environment.GetEnvironmentVariable("PAGER") ?? "none").AllowUnsafeEnvironment("PAGER");
        jobs.Add("user", job => $"{job.User.Name} {job.User.Uid}");
        jobs.Add("patient", job =>
        {
            job.CancellationToken.WaitHandle.WaitOne();
            job.Output.Write("cleaned up"u8);
            return 3;
        });
        jobs.Add("short", job =>
        {
            job.CancellationToken.WaitHandle.WaitOne();
            return 0;
        }).WithTimeout(TimeSpan.FromMilliseconds(20));
    }
}

internal sealed record Greeting(string Name);

internal sealed record Greeted(string Text);

[JsonSerializable(typeof(Greeting)), JsonSerializable(typeof(Greeted))]
internal sealed partial class SampleJson : JsonSerializerContext;
