using System.ComponentModel;
using System.Globalization;
using System.Text;
using PipeForkAs.Client;

namespace PipeForkAs.Protocol.Client;

/// <summary>Formats descriptions of jobs as text for people: for the daemon's text replies, for the command's output, and for the output of
/// job hosts that a person runs. A description is untrusted.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class JobText
{
    /// <summary>Returns a line for each job: its name, kind and description.</summary>
    public static string List(IReadOnlyList<JobDescription> jobs)
    {
        ArgumentNullException.ThrowIfNull(jobs);
        int width = jobs.Select(job => job.Name.Length).DefaultIfEmpty().Max();
        var text = new StringBuilder();
        foreach (JobDescription job in jobs)
            Line(text, $"{job.Name.PadRight(width)}  {Kind(job.Kind),-9}  {job.Description}".TrimEnd());
        return text.ToString();
    }

    /// <summary>Returns name, kind, description, limits, and a line for each argument. The shell completions read these lines.</summary>
    public static string Describe(JobDescription job)
    {
        ArgumentNullException.ThrowIfNull(job);
        var text = new StringBuilder();
        Line(text, $"{job.Name} ({Kind(job.Kind)}){(job.Description.Length > 0 ? ": " : "")}{job.Description}");
        if (job.Timeout is { } timeout)
            Line(text, $"  ends after {timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s");
        if (job.Environment.Count > 0)
            Line(text, $"  --env may set {string.Join(", ", job.Environment)}");
        if (job.UnsafeEnvironment is { Count: > 0 } steering)
            Line(text, $"  --env may set {string.Join(", ", steering)}, which can run any code as the user");
        AddSandboxes(text, job.Sandboxes);
        if (job.AuditedArguments is { Count: > 0 } audited)
            Line(text, $"  the audit record shows {(audited.Contains("*") ? "all arguments" : string.Join(", ", audited))}");

        IReadOnlyList<ArgumentDescription> arguments = ArgumentPairs.Describe(job.Arguments);
        int width = arguments.Select(argument => argument.Name.Length).DefaultIfEmpty().Max();
        if (arguments.Count == 0)
            Line(text, job.Arguments is null ? "  takes no arguments" : "  takes arguments of any name");
        foreach (ArgumentDescription argument in arguments)
            Line(text, $"  {argument.Name.PadRight(width)}  {Details(argument)}");
        return text.ToString();
    }

    /// <summary>Adds a line for each sandbox of a job.</summary>
    internal static void AddSandboxes(StringBuilder text, IReadOnlyList<Sandbox>? sandboxes)
    {
        foreach (Sandbox sandbox in sandboxes ?? [])
            Line(text, $"  sandbox: {sandbox.InWords()}");
    }

    internal static void Line(StringBuilder text, string line) => text.Append(UntrustedText.Escape(line)).Append('\n');

    private static string Details(ArgumentDescription argument) => argument.Expectation
        + (argument.Pattern is null ? "" : $" that matches {argument.Pattern}")
        + (argument.Required ? ", required" : "")
        + (argument.Default is null or "null" ? "" : $", {argument.Default} if not given")
        + (argument.Description is null ? "" : $": {argument.Description}");

    private static string Kind(JobKind kind) => kind switch
    {
        JobKind.Text => "text",
        JobKind.Typed => "typed",
        JobKind.Streaming => "streaming",
        JobKind.Command => "command",
        _ => "unknown",
    };
}
