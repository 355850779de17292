using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// Finds mismatches between a policy and the registered jobs; the usual cause is a spelling error. A mismatch does not reject the
/// configuration, because a job can appear later with its job host. But a rule that denies would have no effect, without a sign, and would
/// allow what it should deny.
/// </summary>
/// <param name="log">Receives each warning, once for as long as it lasts.</param>
internal sealed class PolicyWarnings(Action<string> log)
{
    /// <summary>The most jobs that a warning names.</summary>
    private const int Named = 5;

    private Policy? told;
    private HashSet<string> standing = [];
    private Task logging = Task.CompletedTask;

    /// <summary>
    /// Logs the warnings. After a change of the policy it logs all of them, so that the log of a reload is complete; otherwise only the
    /// warnings that were absent at the last call, because a job host that restarts repeatedly registers the same jobs.
    /// </summary>
    /// <param name="policy">The policy.</param>
    /// <param name="jobs">All registered jobs.</param>
    public void Log(Policy policy, IReadOnlyCollection<JobDescription> jobs) => Log(policy, [.. Of(policy, jobs)]);

    /// <summary>
    /// Like <c>Log</c>, for the loop: another thread compares the rules with the jobs, and logs the results in the order of the calls.
    /// </summary>
    /// <param name="policy">The policy.</param>
    /// <param name="jobs">All registered jobs.</param>
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

    /// <summary>Returns the warnings, one line each; empty if every part of the rules has an effect.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="jobs">All registered jobs.</param>
    public static IEnumerable<string> Of(Policy policy, IReadOnlyCollection<JobDescription> jobs)
    {
        foreach (Rule rule in policy.Rules)
        {
            foreach (string pattern in rule.Jobs.Where(
                pattern => pattern != JobPattern.All && !jobs.Any(job => JobPattern.Matches(pattern, job.Name))))
            {
                yield return $"the rule \"{rule.Name}\" {(rule.Deny ? "denies" : "allows")} the job "
                    + $"\"{pattern}\", "
                    + (pattern[^1] == '*' ? "but the name of no registered job starts with it" : "but no such job is registered");
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

            if (rule.Where.Count == 0)
                continue;
            JobDescription[] covered = [.. jobs.Where(job => rule.CoversJob(job.Name))];
            if (OfArguments(rule, covered) is { } warning)
                yield return warning;
            if (OfPaths(rule, covered) is { } open)
                yield return open;
        }

        foreach (string warning in SignInWarnings.Of(policy))
            yield return warning;
    }

    /// <summary>A rule that allows some folders, but a job takes a second path, for example <c>to</c>, which the rule does not test.
    /// </summary>
    private static string? OfPaths(Rule rule, JobDescription[] covered)
    {
        if (rule.Deny || !rule.Where.Any(condition => condition.LooksAtFolder))
            return null;
        string[] open = [
            .. from job in covered
               where rule.Where.All(condition => ArgumentPairs.Knows(job.Arguments, condition.Argument))
               from path in Paths(job)
               where !rule.Where.Any(condition => condition.Argument == path)
               select $"\"{path}\" of {job.Name}"];
        return open.Length == 0
            ? null
            : $"the rule \"{rule.Name}\" allows by the folder of a path, but any {string.Join(", ", open.Take(Named))}"
                + (open.Length > Named ? $" and {open.Length - Named} more" : "") + ", which is a path too; add a condition for it";
    }

    /// <summary>The arguments of a job that are paths: those that it takes as bytes too.</summary>
    private static IEnumerable<string> Paths(JobDescription job)
    {
        HashSet<string> names = [.. ArgumentPairs.Describe(job.Arguments).Select(argument => argument.Name)];
        return names.Where(name => names.Contains(name + PathBytes.Suffix));
    }

    /// <summary>
    /// An argument that is missing in a request never allows and always denies; and a job refuses an argument that it does not have.
    /// </summary>
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
            ? $"the rule \"{rule.Name}\" denies {jobs} with any arguments: not every argument that Where tests "
                + $"({arguments}) is an argument there"
            : $"the rule \"{rule.Name}\" allows nothing: none of its jobs has all arguments that Where tests ({arguments})";
    }
}
