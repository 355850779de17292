using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// Where a policy and the registered jobs do not fit together: mostly a misspelt word. It refuses nothing, since a job may come later
/// with its job host; but a rule that denies would fail unseen, and what it was to deny would be allowed.
/// </summary>
/// <param name="log">Is told each warning, once for as long as it lasts.</param>
internal sealed class PolicyWarnings(Action<string> log)
{
    /// <summary>Jobs that a warning names, at most.</summary>
    private const int Named = 5;

    private Policy? told;
    private HashSet<string> standing = [];
    private Task logging = Task.CompletedTask;

    /// <summary>
    /// Tells the warnings: all of them where the policy is another, as the log of a reload shall be whole; else those that were not there
    /// at the last call, for a job host that starts again and again brings the same jobs.
    /// </summary>
    /// <param name="policy">The policy.</param>
    /// <param name="jobs">All jobs that are registered.</param>
    public void Log(Policy policy, IReadOnlyCollection<JobDescription> jobs) => Log(policy, [.. Of(policy, jobs)]);

    /// <summary>
    /// The same, for the loop: the rules are compared with the jobs on another thread, and what that comes to is told in the order of the
    /// calls.
    /// </summary>
    /// <param name="policy">The policy.</param>
    /// <param name="jobs">All jobs that are registered.</param>
    public Task LogAsync(Policy policy, IReadOnlyCollection<JobDescription> jobs) => logging = LogAsync(logging, policy, jobs);

    private async Task LogAsync(Task former, Policy policy, IReadOnlyCollection<JobDescription> jobs)
    {
        HashSet<string> warnings = await Task.Run(() => Of(policy, jobs).ToHashSet());
        await Task.WhenAny(former);
        Log(policy, warnings);
    }

    private void Log(Policy policy, HashSet<string> warnings)
    {
        if (policy.Origin != told)
            standing = [];
        (told, HashSet<string> before, standing) = (policy.Origin, standing, warnings);
        foreach (string warning in standing.Where(warning => !before.Contains(warning)))
            log(warning);
    }

    /// <summary>The warnings, a line each; none where all that the rules say means something.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="jobs">All jobs that are registered.</param>
    public static IEnumerable<string> Of(Policy policy, IReadOnlyCollection<JobDescription> jobs)
    {
        foreach (Rule rule in policy.Rules)
        {
            foreach (string pattern in rule.Jobs.Where(
                pattern => pattern != JobPattern.All && !jobs.Any(job => JobPattern.Matches(pattern, job.Name))))
            {
                yield return $"the rule \"{rule.Name}\" {(rule.Deny ? "denies" : "allows")} the job "
                    + $"\"{pattern}\", and "
                    + (pattern[^1] == '*' ? "no registered job's name begins so" : "no job of that name is registered");
            }

            if (rule.Deny && rule.Where.FirstOrDefault(condition => condition.LooksAtFolder) is { } passed)
            {
                yield return $"the rule \"{rule.Name}\" denies by the folder of "
                    + $"\"{passed.Argument}\", but /proc/self/root and links lead to "
                    + "the same files by other paths; allow the intended folders instead, or give the job a Sandbox";
            }

            if (rule.Deny && rule.Where.FirstOrDefault(condition => condition.LooksAtTextOfPath) is { } spelt)
            {
                yield return $"the rule \"{rule.Name}\" denies by the text of the path \"{spelt.Argument}\", but //, /./, "
                    + "/proc/self/root and links lead to the same files by other texts; allow the intended folders with Under instead, "
                    + "or give the job a Sandbox";
            }

            if (rule.Where.Count > 0 && OfArguments(rule, [.. jobs.Where(job => rule.CoversJob(job.Name))]) is { } warning)
                yield return warning;
        }
    }

    /// <summary>What is missing in a request never allows and always denies; and a job refuses an argument that it does not have.</summary>
    private static string? OfArguments(Rule rule, JobDescription[] covered)
    {
        JobDescription[] lacking = [
            .. covered.Where(job => rule.Where.Any(condition => !ArgumentPairs.Knows(job.Arguments, condition.Argument)))];
        if (lacking.Length == 0 || (!rule.Deny && lacking.Length < covered.Length))
            return null;
        string jobs = string.Join(", ", lacking.Take(Named).Select(job => job.Name))
            + (lacking.Length > Named ? $" and {lacking.Length - Named} more" : "");
        string arguments = string.Join(", ", rule.Where.Select(condition => condition.Argument));
        return rule.Deny
            ? $"the rule \"{rule.Name}\" denies {jobs} whatever the arguments are: not all that Where looks at "
                + $"({arguments}) is an argument there"
            : $"the rule \"{rule.Name}\" allows nothing: none of its jobs has all arguments that Where looks at ({arguments})";
    }
}
