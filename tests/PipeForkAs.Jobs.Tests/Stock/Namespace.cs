using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.Jobs.Tests.Stock;

/// <summary>Runs stock jobs by hand with mounts that are not the machine's.</summary>
internal static class Namespace
{
    private static readonly string Host = Path.Combine(AppContext.BaseDirectory, "pipeforkas-jobs.dll");

    /// <summary>Runs a job in a mount namespace of its own, which ends with it.</summary>
    /// <param name="script">What comes before the job, for example mounts.</param>
    /// <param name="job">The job and its arguments.</param>
    public static Task<ToolResult> RunAsync(string script, string[] job) => Tool.RunAsync(
        ["unshare", "--mount", "--propagation", "private", "bash", "-c", $"{script} && exec dotnet \"$@\"", "bash", Host, "run", .. job]);
}
