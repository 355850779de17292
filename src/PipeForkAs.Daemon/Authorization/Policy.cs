using PipeForkAs.Daemon.Listening;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// Who may run what as whom: the first rule that matches decides, and no match refuses. It is asked twice. First by what the request
/// names: what no rule can allow is refused before anything of the target is looked up, so that a refusal tells nothing of what exists. Then
/// with the account.
/// </summary>
/// <param name="minimumUid">The lowest uid that a rule allows without naming its user.</param>
/// <param name="rules">In their order.</param>
internal sealed class Policy(uint minimumUid, IReadOnlyList<Rule> rules)
{
    /// <summary>The built-in rules: everyone as themselves, root as everyone.</summary>
    public static IReadOnlyList<Rule> DefaultRules { get; } =
    [
        new() { Name = "self", Callers = [Principal.Everyone], Jobs = ["*"], As = [Principal.Self] },
        new() { Name = "root as everyone", Callers = [new Principal(PrincipalKind.Uid, "0", UserId.Root)], Jobs = ["*"], As = [Principal.Everyone] },
    ];

    public IReadOnlyList<Rule> Rules => rules;

    /// <summary>Whether a rule looks at arguments.</summary>
    public bool LooksAtArguments { get; } = rules.Any(rule => rule.Where.Count > 0);

    /// <summary>Whether a decision depends on the name of the caller's account.</summary>
    public bool NeedsCallerName(bool userIsName) =>
        rules.Any(rule => rule.Callers.Any(entry => entry.Kind == PrincipalKind.User) || (userIsName && rule.As.Any(entry => entry.Kind == PrincipalKind.Self)));

    /// <summary>Decides.</summary>
    /// <param name="question">The question.</param>
    /// <param name="trace">Is given each rule that was looked at, and what came of it; null where nobody wants to know.</param>
    public Decision Decide(in Question question, ICollection<CheckedRule>? trace = null)
    {
        UserId? target = question.Account is { } account ? new UserId(account.Uid) : question.User.Uid;
        if (target == UserId.Unchanged)
            return Decision.Deny($"uid {target} is nobody's");

        foreach (Rule rule in rules)
        {
            bool caller = rule.CoversCaller(question.Caller, question.CallerName);
            bool job = caller && rule.CoversJob(question.Job);
            Truth user = job ? rule.CoversUser(question, minimumUid) : Truth.No;
            Truth matches = user == Truth.No ? Truth.No : Condition.And(user, rule.CoversArguments(question));
            trace?.Add(new CheckedRule(rule.Name, Outcome(rule, caller, job, user, matches, question.Consent)));
            if (matches == Truth.No)
                continue;
            if (rule.Deny)
            {
                if (matches != Truth.Pending)
                    return new Decision(Answer.Denied, rule.Name, $"the rule \"{rule.Name}\" denies it");
            }
            else if (matches == Truth.Pending)
            {
                return new Decision(Answer.NeedsAccount, rule.Name, "the account decides");
            }
            else if (matches == Truth.Yes)
            {
                if (question.Account is null)
                    return new Decision(Answer.NeedsAccount, rule.Name, "the account decides");
                if (rule.RequireConsent && question.Consent is null)
                    return new Decision(Answer.NeedsConsent, rule.Name, "the user's consent decides");
                if (!rule.RequireConsent || question.Consent is { Given: true })
                    return new Decision(Answer.Allowed, rule.Name, $"the rule \"{rule.Name}\" allows it", question.Account, rule.AllowRoot && target == UserId.Root);
            }
        }

        return Decision.Deny(question.Consent is { Given: false } refused ? $"no rule matches without the user's consent: {refused.Reason}" : "no rule matches");
    }

    private static string Outcome(Rule rule, bool caller, bool job, Truth user, Truth matches, ConsentAnswer? consent) => (caller, job, user, matches) switch
    {
        (false, _, _, _) => "the caller is not among Callers",
        (_, false, _, _) => "the job is not among Jobs",
        (_, _, Truth.No, _) => "the user is not among As, or is root or under MinimumUid and not named",
        (_, _, _, Truth.No) => "the arguments are not what Where demands",
        (_, _, _, Truth.Unknowable) when !rule.Deny => "an argument that Where looks at is missing, or cannot be judged",
        (_, _, _, Truth.Unknowable) => "denies it: an argument that Where looks at is missing, or cannot be judged",
        (_, _, _, Truth.Pending) => "the user's account decides",
        _ when rule.RequireConsent && consent is not { Given: true } => consent is { } refused ? $"the user has not consented: {refused.Reason}" : "the user's consent decides",
        _ => rule.Deny ? "denies it" : "allows it",
    };

    /// <summary>Whether the caller may run the job as anyone, with some arguments: whether it may know that there is such a job.</summary>
    public bool MayRun(Caller caller, string? callerName, string job)
    {
        var denied = new HashSet<Principal>();
        foreach (Rule rule in rules.Where(rule => rule.CoversCaller(caller, callerName) && rule.CoversJob(job)))
        {
            if (rule.Deny && rule.Where.Count == 0)
                denied.UnionWith(rule.As);
            if (denied.Contains(Principal.Everyone))
                return false;
            if (!rule.Deny && rule.As.Any(entry => !denied.Contains(entry)
                && (entry.Kind != PrincipalKind.Self || !Rule.IsBelowFloor(caller.Uid, minimumUid))))
                return true;
        }

        return false;
    }
}
