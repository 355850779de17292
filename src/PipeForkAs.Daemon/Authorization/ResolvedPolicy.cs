using PipeForkAs.Daemon.Configuration;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>A policy whose names were looked up, for the start, a reload and <c>--check-config</c>.</summary>
/// <param name="Policy">The policy. A rule that denies, with a name that had no answer, denies in doubt.</param>
/// <param name="Answers">What the user database said about the names.</param>
/// <param name="Problems">The names that could not be resolved.</param>
internal sealed record ResolvedPolicy(
    Policy Policy, IReadOnlyDictionary<PolicyName, NameAnswer> Answers, IReadOnlyList<NameProblem> Problems)
{
    /// <summary>The longest wait of a start, whatever the configuration says: systemd waits 90 s for the start.</summary>
    private static readonly TimeSpan MaxPatience = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Reads the policy of a configuration and looks its names up; waits for <see cref="LimitOptions.LookupTimeout"/>, and for at most 20
    /// s.
    /// </summary>
    /// <param name="options">The configuration.</param>
    /// <param name="lookUps">Looks names up in the user database.</param>
    /// <exception cref="ConfigurationException">
    /// The policy has a problem; or a name cannot be resolved, and <see cref="PolicyOptions.UnknownNames"/> rejects that.
    /// </exception>
    public static async Task<ResolvedPolicy> ReadAsync(DaemonOptions options, NameLookUps lookUps)
    {
        Policy read = PolicyReader.Read(options.Policy);
        if (read.Names.Count == 0)
            return new ResolvedPolicy(read, new Dictionary<PolicyName, NameAnswer>(), []);
        Dictionary<PolicyName, NameAnswer> answers = await lookUps.AskAsync(
            read.Names, options.Limits.LookupTimeout < MaxPatience ? options.Limits.LookupTimeout : MaxPatience);
        Policy policy = read.With(answers);
        NameProblem[] open = [.. NameProblems.Of(policy, answers)];
        List<(string Key, string Problem)> wrong = [.. PolicyReader.Problems(policy)];
        bool isPermanent = wrong.Count > 0;
        if (options.Policy.UnknownNames == PolicyOptions.Refuse)
        {
            wrong.AddRange(open.Select(problem => (problem.Key, problem.Reason)));
            isPermanent |= Array.Exists(open, problem => problem.State != NameState.Unanswered);
        }

        return wrong.Count == 0
            ? new ResolvedPolicy(policy, answers, open)
            : throw new ConfigurationException(wrong) { MayPass = !isPermanent };
    }
}
