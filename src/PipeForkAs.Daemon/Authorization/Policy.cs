using System.Collections.Frozen;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Patterns;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// Decides which caller may run which job as which user: the first rule that matches decides, and no match denies. A decision has two
/// steps. The first step uses what the request names: it denies what no rule can allow before the daemon looks the target user up, so a
/// denial does not reveal which users exist. The second step uses the account.
/// </summary>
/// <param name="minimumUid">The lowest uid that a rule allows without naming its user.</param>
/// <param name="rules">The rules in order.</param>
/// <param name="signIn">A rule whose callers may sign users in; null for none.</param>
/// <param name="origin">The policy from which this one differs only in known names; null for itself.</param>
internal sealed class Policy(uint minimumUid, IReadOnlyList<Rule> rules, Rule? signIn = null, Policy? origin = null)
{
    /// <summary>The built-in rules: every caller as themselves, root as every user.</summary>
    public static IReadOnlyList<Rule> DefaultRules { get; } =
    [
        new() { Name = "self", Callers = [Principal.Everyone], Jobs = ["*"], As = [Principal.Self] },
        new() { Name = "root as everyone", Callers = [new Principal(PrincipalKind.Uid, "0", UserId.Root)], Jobs = ["*"],
            As = [Principal.Everyone] },
    ];

    public IReadOnlyList<Rule> Rules => rules;

    /// <summary>A rule whose callers may sign users in; null for none.</summary>
    public Rule? SignIn => signIn;

    /// <summary>The policy as read: the same for all policies that differ only in known names.</summary>
    public Policy Origin => origin ?? this;

    /// <summary>The names that rules use, without numbers, each once.</summary>
    public IReadOnlySet<PolicyName> Names =>
        origin?.Names
        ?? (field ??= All(rules, signIn).SelectMany(EntriesOf).Select(entry => entry.ToLookUp).OfType<PolicyName>().ToHashSet());

    /// <summary>
    /// Returns the same policy with answers of the user database for some of its names. The time grows with the number of rules: not for
    /// the loop.
    /// </summary>
    public Policy With(IReadOnlyDictionary<PolicyName, NameAnswer> answers)
    {
        return new Policy(
            minimumUid,
            [.. rules.Select(Renewed)],
            signIn is null ? null : Renewed(signIn),
            Origin);

        Rule Renewed(Rule rule) =>
            EntriesOf(rule).Any(IsAnswered) ? rule with { Callers = Entries(rule.Callers), As = Entries(rule.As) } : rule;

        bool IsAnswered(Principal entry) => entry.ToLookUp is { } name && answers.ContainsKey(name);

        Principal[] Entries(IReadOnlyList<Principal> entries) => [.. entries.Select(Answered)];

        Principal Answered(Principal entry) =>
            entry.ToLookUp is { } name && answers.TryGetValue(name, out NameAnswer answer) ? Principal.Of(name, answer) : entry;
    }

    /// <summary>The arguments that conditions of rules name; case-insensitive.</summary>
    public FrozenSet<string> Arguments { get; } =
        rules.SelectMany(rule => rule.Where).Select(condition => condition.Argument).ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private readonly FrozenSet<GroupId> callerGroups =
        All(rules, signIn).SelectMany(rule => rule.Callers)
            .Where(entry => entry.Kind == PrincipalKind.Group && entry.IsKnown).Select(entry => entry.Gid).ToFrozenSet();

    private readonly bool namesCallers =
        All(rules, signIn).Any(rule => rule.DeniesGroupOfCaller || rule.Callers.Any(entry => entry.Kind == PrincipalKind.User));
    private readonly bool namesSelf = rules.Any(rule => rule.As.Any(entry => entry.Kind == PrincipalKind.Self));

    private static IEnumerable<Rule> All(IReadOnlyList<Rule> rules, Rule? signIn) => signIn is null ? rules : rules.Append(signIn);

    private static IEnumerable<Principal> EntriesOf(Rule rule) => rule.Callers.Concat(rule.As);

    /// <summary>Whether a decision depends on the account of the caller's uid.</summary>
    public bool NeedsCallerAccount(bool userIsName) => namesCallers || (userIsName && namesSelf);

    /// <summary>Returns the caller in the form that <see cref="Question"/> needs.</summary>
    /// <param name="caller">The caller.</param>
    /// <param name="account">
    /// The account of the caller's uid; null if there is none, or if <see cref="NeedsCallerAccount"/> is false.
    /// </param>
    public KnownCaller Know(Caller caller, Account? account) => new(caller, account, callerGroups);

    /// <summary>Returns the pattern questions that must be answered before <see cref="Decide"/>.</summary>
    public IReadOnlyList<PatternQuestion> PatternsOf(in Question question)
    {
        if (question.Arguments is not { } arguments)
            return [];
        var questions = new List<PatternQuestion>();
        var seen = new HashSet<PatternQuestion>();
        foreach (Rule rule in rules)
        {
            if (rule.Where.Count == 0 || !rule.CoversJob(question.Job) || !rule.CoversCaller(question.Caller))
                continue;
            foreach (Condition condition in rule.Where)
            {
                if (condition.Pattern is { } pattern && arguments.Find(condition.Argument)?.Ask(pattern) is { } asked && seen.Add(asked))
                    questions.Add(asked);
            }
        }

        return questions;
    }

    /// <summary>
    /// Whether a rule might ask some user for consent, whatever user the request names. If so, a denial must take as long for a user that
    /// the rule does not cover as for a user who does not consent.
    /// </summary>
    public bool MightAskConsent(Question question)
    {
        foreach (Rule rule in rules)
        {
            if (!rule.CoversJob(question.Job) || !rule.CoversCaller(question.Caller))
                continue;
            TruthValue arguments = rule.CoversArguments(question);
            if (rule.Deny && rule.As.Contains(Principal.Everyone) && arguments is (TruthValue.Yes or TruthValue.Unknowable))
                return false; // No request reaches the rules after it.
            if (rule.RequireConsent && arguments is (TruthValue.Yes or TruthValue.Pending))
                return true;
        }

        return false;
    }

    /// <summary>Whether a caller may sign users in.</summary>
    public bool MaySignIn(KnownCaller caller) => signIn is not null && signIn.CoversCaller(caller);

    /// <summary>Whether a rule can allow some job with a ticket of the user.</summary>
    /// <param name="question">The caller and the account; the job does not matter.</param>
    public bool CanUseTicket(in Question question)
    {
        foreach (Rule rule in rules)
        {
            if (!(rule.RequireSignIn || rule.DeniesAllJobs) || !rule.CoversCaller(question.Caller))
                continue;
            TruthValue user = rule.CoversUser(question, minimumUid);
            if (rule.Deny ? user != TruthValue.No : user == TruthValue.Yes)
                return !rule.Deny;
        }

        return false;
    }

    /// <summary>Whether only a rule that names this uid can allow it.</summary>
    public bool IsBelowFloor(UserId uid) => Rule.IsBelowFloor(uid, minimumUid);

    /// <summary>Decides a question.</summary>
    /// <param name="question">The question.</param>
    /// <param name="trace">Receives each rule that was tested, and its result; null for none.</param>
    public Decision Decide(in Question question, ICollection<CheckedRule>? trace = null)
    {
        UserId? target = question.Account is { } account ? new UserId(account.Uid) : question.User.Uid;
        if (target == UserId.Unchanged)
            return Decision.Deny($"uid {target} cannot belong to a user");

        bool isTicketMissing = false;
        foreach (Rule rule in rules)
        {
            bool caller = rule.CoversCaller(question.Caller);
            bool job = caller && rule.CoversJob(question.Job);
            TruthValue user = job ? rule.CoversUser(question, minimumUid) : TruthValue.No;
            TruthValue matches = user == TruthValue.No ? TruthValue.No : Condition.And(user, rule.CoversArguments(question));
            bool isSignedIn = matches == TruthValue.No || rule.IsSignedIn(question);
            trace?.Add(new CheckedRule(
                rule.Name, isSignedIn ? Outcome(rule, caller, job, user, matches, question.Consent) : NotSignedIn));
            if (matches == TruthValue.No)
                continue;
            if (!isSignedIn)
            {
                isTicketMissing |= matches is TruthValue.Yes or TruthValue.Pending;
                continue;
            }

            if (rule.Deny)
            {
                if (matches != TruthValue.Pending)
                    return new Decision(Answer.Denied, rule.Name, $"the rule \"{rule.Name}\" denies it");
            }
            else if (matches == TruthValue.Pending)
            {
                return new Decision(Answer.NeedsAccount, rule.Name, "the account decides");
            }
            else if (matches == TruthValue.Yes)
            {
                if (question.Account is null)
                    return new Decision(Answer.NeedsAccount, rule.Name, "the account decides");
                if (rule.RequireConsent && question.Consent is null)
                    return new Decision(Answer.NeedsConsent, rule.Name, "the user's consent decides");
                if (!rule.RequireConsent || question.Consent is { Given: true })
                {
                    return new Decision(
                        Answer.Allowed, rule.Name, $"the rule \"{rule.Name}\" allows it", question.Account,
                        rule.AllowRoot && target == UserId.Root, question.Arguments is { LookedBelowHome: true });
                }
            }
        }

        if (isTicketMissing)
            return Decision.Deny($"no rule matches: {NotSignedIn}");
        return Decision.Deny(
            question.Consent is { Given: false } refused
            ? $"no rule matches without the user's consent: {refused.Reason}"
            : "no rule matches");
    }

    private const string NotSignedIn = "the caller has no valid ticket of the user";

    private static string Outcome(Rule rule, bool caller, bool job, TruthValue user, TruthValue matches, ConsentAnswer? consent) =>
        (caller, job, user, matches) switch
        {
            (false, _, _, _) => "the caller is not among Callers",
            (_, false, _, _) => "the job is not among Jobs",
            (_, _, TruthValue.No, _) => "the user is not among As, or is root or below MinimumUid and not named",
            (_, _, _, TruthValue.No) => "the arguments do not match Where",
            (_, _, TruthValue.Unknowable, _) => "denies it: a group that As names could not be looked up",
            (_, _, _, TruthValue.Unknowable) when !rule.Deny => "an argument that Where tests is missing, or cannot be tested",
            (_, _, _, TruthValue.Unknowable) => "denies it: an argument that Where tests is missing, or cannot be tested",
            (_, _, _, TruthValue.Pending) => "the user's account decides",
            _ when rule.RequireConsent && consent is not { Given: true } => consent is { } refused
                ? $"the user has not consented: {refused.Reason}" : "the user's consent decides",
            _ => rule.Deny ? "denies it" : "allows it",
        };

    /// <summary>
    /// Returns whether the caller may run a job as some user, with some arguments: if so, the caller may know that the job exists.
    /// </summary>
    public Func<string, bool> JobsOf(KnownCaller caller)
    {
        Rule[] own = [.. rules.Where(rule => rule.CoversCaller(caller))];
        return job => MayRun(own, caller.Caller.Uid, job);
    }

    private bool MayRun(Rule[] own, UserId caller, string job)
    {
        HashSet<Principal>? denied = null;
        foreach (Rule rule in own)
        {
            if (!rule.CoversJob(job))
                continue;
            if (rule.Deny && rule.Where.Count == 0)
                (denied ??= []).UnionWith(rule.As);
            if (denied?.Contains(Principal.Everyone) == true)
                return false;
            if (!rule.Deny && rule.As.Any(entry => entry.IsKnown && denied?.Contains(entry) != true
                && (entry.Kind != PrincipalKind.Self || !Rule.IsBelowFloor(caller, minimumUid))))
                return true;
        }

        return false;
    }
}
