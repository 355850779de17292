using System.Globalization;
using System.Text;

using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Replies;

/// <summary>Descriptions of jobs as text for a person.</summary>
internal static class JobText
{
    /// <summary>One line per job: name, kind, description.</summary>
    public static string List(IReadOnlyList<JobDescription> jobs)
    {
        int width = jobs.Select(job => job.Name.Length).DefaultIfEmpty().Max();
        StringBuilder text = new();
        foreach (JobDescription job in jobs)
        {
            string line = $"{job.Name.PadRight(width)}  {Kind(job),-9}  {job.Description}";
            text.Append(Printable.Escape(line.TrimEnd())).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Name, kind, description, limits, and a line per argument.</summary>
    public static string Describe(JobDescription job)
    {
        StringBuilder text = new();
        Line(text, $"{job.Name} ({Kind(job)}){(job.Description.Length > 0 ? ": " : "")}{job.Description}");
        if (job.Timeout is { } seconds)
            Line(text, $"  ends after {seconds.ToString(CultureInfo.InvariantCulture)} s");
        if (job.Environment.Count > 0)
            Line(text, $"  --env may set {string.Join(", ", job.Environment)}");
        if (job.UnsafeEnvironment is { Count: > 0 } steering)
            Line(text, $"  --env may set {string.Join(", ", steering)}, which can run any code as the user");

        foreach (Sandbox sandbox in job.Sandboxes ?? [])
            Line(text, $"  sandbox: {sandbox.InWords()}");

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

    private static string Details(ArgumentDescription argument) => argument.Expectation
        + (argument.Pattern is null ? "" : $" that matches {argument.Pattern}")
        + (argument.Required ? ", required" : "")
        + (argument.Default is null or "null" ? "" : $", {argument.Default} if not given")
        + (argument.Description is null ? "" : $": {argument.Description}");

    private static void Line(StringBuilder text, string line) => text.Append(Printable.Escape(line)).Append('\n');

    private static string Kind(JobDescription job) => job.Kind switch
    {
        JobKind.Text => "text",
        JobKind.Typed => "typed",
        JobKind.Streaming => "streaming",
        JobKind.Command => "command",
        _ => "unknown",
    };
}
