using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// What a policy says of jobs and arguments that there are not: mostly a misspelt word. It refuses nothing, since a job may come later with its job
/// host; but of a rule that denies nothing would be seen, and what it was to deny would be allowed.
/// </summary>
internal static class PolicyDoubts
{
    /// <summary>The doubts, a line each; none where every rule can mean something.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="jobs">All jobs that are registered.</param>
    public static IEnumerable<string> Of(Policy policy, IReadOnlyCollection<JobDescription> jobs)
    {
        foreach (Rule rule in policy.Rules)
        {
            foreach (string pattern in rule.Jobs.Where(pattern => !jobs.Any(job => Rule.Names(pattern, job.Name))))
                yield return $"the rule \"{rule.Name}\" {Effect(rule)} the job \"{pattern}\", and {(pattern[^1] == '*' ? "no registered job's name begins so" : "no job of that name is registered")}";

            JobDescription[] covered = [.. jobs.Where(job => rule.CoversJob(job.Name))];
            foreach (Condition condition in rule.Where.Where(condition => covered.Length > 0 && !covered.Any(job => ArgumentPairs.Knows(job.Arguments, condition.Argument))))
                yield return $"the rule \"{rule.Name}\" looks at the argument \"{condition.Argument}\", which none of its jobs has: it {(rule.Deny ? "denies them whatever their arguments are" : "never allows anything")}";
        }
    }

    private static string Effect(Rule rule) => rule.Deny ? "denies" : "allows";
}
