using System.Globalization;
using System.Text;

using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Cli.Replies;

/// <summary>What <c>check</c> tells, as text for a person.</summary>
internal static class CheckText
{
    public static string Of(CheckResult result, bool explain)
    {
        StringBuilder text = new();
        string by = result.Rule is null ? "" : $" (rule \"{result.Rule}\")";
        Line(text, $"{(result.Allowed ? "allowed" : "denied")}: uid {result.Caller} runs {result.Job} as {result.User}{by}");
        if (result.Uid is not null)
            Line(text, $"  uid {result.Uid}, gid {result.Gid}, groups {string.Join(", ", result.Groups ?? [])}, home {result.Home}");
        if (result.Limits is { } limits)
            Line(text, $"  limits: {string.Join(", ", limits.Select(limit => $"{limit.Key} {limit.Value.ToString(CultureInfo.InvariantCulture)}"))}");
        foreach (Sandbox sandbox in result.Sandboxes ?? [])
            Line(text, $"  sandbox: {Of(sandbox)}");
        if (!explain)
            return text.ToString();
        if (result.Rules is null)
            Line(text, "  why is told to root alone");
        if (result.Reason is { } reason)
            Line(text, $"  {reason}");
        foreach (CheckedRule rule in result.Rules ?? [])
            Line(text, $"  rule \"{rule.Name}\": {rule.Outcome}");
        return text.ToString();
    }

    private static string Of(Sandbox sandbox)
    {
        List<string> parts = [];
        if (sandbox.RestrictsFiles)
            parts.Add($"read-only {Paths(sandbox.ReadOnly)}, read-write {Paths(sandbox.ReadWrite)}");
        if (sandbox.NoNetwork)
            parts.Add("no sockets");
        if (sandbox.Seccomp != SeccompProfile.None)
            parts.Add("seccomp default");
        return string.Join(", ", parts);
    }

    private static string Paths(IReadOnlyList<string> paths) => paths.Count == 0 ? "nothing" : string.Join(' ', paths);

    private static void Line(StringBuilder text, string line) => text.Append(Printable.Escape(line)).Append('\n');
}
