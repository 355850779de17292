using System.ComponentModel;
using System.Globalization;
using System.Text;
using PipeForkAs.Client;

namespace PipeForkAs.Protocol.Client;

/// <summary>Formats the result of <c>check</c> as text for people: for the daemon's text replies and for the command's output.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class CheckText
{
    /// <summary>Describes whether the request is allowed, the user, and the limits and sandboxes of the job.</summary>
    /// <param name="result">The result. Its texts are untrusted.</param>
    /// <param name="explain">Whether to add the reason, rule by rule.</param>
    public static string Of(CheckResult result, bool explain)
    {
        ArgumentNullException.ThrowIfNull(result);
        var text = new StringBuilder();
        string by = result.Rule is null ? "" : $" (rule \"{result.Rule}\")";
        JobText.Line(text, $"{(result.Allowed ? "allowed" : "denied")}: uid {result.Caller} runs {result.Job} as {result.User}{by}");
        if (result.Uid is not null)
        {
            string groups = string.Join(", ", result.Groups ?? []);
            JobText.Line(text, $"  uid {result.Uid}, gid {result.Gid}, groups {groups}, home {result.Home}");
        }

        if (result.Limits is { } limits)
        {
            IEnumerable<string> words = limits.Select(limit => $"{limit.Key} {limit.Value.ToString(CultureInfo.InvariantCulture)}");
            JobText.Line(text, $"  limits: {string.Join(", ", words)}");
        }

        JobText.AddSandboxes(text, result.Sandboxes);
        if (explain)
            Explain(text, result);
        return text.ToString();
    }

    private static void Explain(StringBuilder text, CheckResult result)
    {
        if (result.Rules is null)
            JobText.Line(text, "  only root sees the reason");
        if (result.Reason is { } reason)
            JobText.Line(text, $"  {reason}");
        foreach (CheckedRule rule in result.Rules ?? [])
            JobText.Line(text, $"  rule \"{rule.Name}\": {rule.Outcome}");
    }
}
