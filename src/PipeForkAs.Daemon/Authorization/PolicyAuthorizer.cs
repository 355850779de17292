using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Patterns;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>Decides requests by the policy, and looks up the facts that the policy needs.</summary>
/// <param name="policy">Holds the policy for new decisions.</param>
/// <param name="users">The user database.</param>
/// <param name="patterns">Matches the patterns of rules.</param>
/// <param name="names">Looks up again the names that the policy could not resolve; null for none.</param>
/// <param name="consents">Asks users for consent; null if that is not possible, so that no user consents.</param>
/// <param name="jobs">Returns the arguments of a job; null if they are unknown, for example if there is no such job.</param>
internal sealed class PolicyAuthorizer(
    CurrentPolicy policy, IUserDatabase users, PatternMatcher patterns, NameWatch? names = null, IConsents? consents = null,
    Func<string, KnownArguments?>? jobs = null)
    : IAuthorizer
{
    private const uint NobodyId = 65534;

    public async ValueTask<Decision> DecideAsync(
        Caller caller, string job, UserSelector user, byte[]? arguments, List<CheckedRule>? trace = null, SignedInUser? signedIn = null)
    {
        while (true)
        {
            Policy current = policy.Policy;
            if (await DecideAsync(current, caller, job, user, arguments, trace, signedIn) is { } decision)
                return decision;
            trace?.Clear();
        }
    }

    public async ValueTask<Func<string, bool>> KnownJobsAsync(Caller caller)
    {
        // Root can read the configuration and the job hosts anyway, and describes a job before it checks what other callers may do with it.
        if (caller.Uid == UserId.Root)
            return _ => true;

        while (true)
        {
            Policy current = policy.Policy;
            KnownCaller known = await KnowAsync(current, caller, userIsName: false);
            if (!await IsOutdatedAsync(current, UncertainNames.Of(current, known)))
                return current.JobsOf(known);
        }
    }

    public async ValueTask<bool> MaySignInAsync(Caller caller)
    {
        while (true)
        {
            Policy current = policy.Policy;
            KnownCaller known = await KnowAsync(current, caller, userIsName: false);
            if (!await IsOutdatedAsync(current, UncertainNames.OfSignIn(current, known)))
                return current.MaySignIn(known);
        }
    }

    public async ValueTask<bool> MaySignInAsync(Caller caller, Account account)
    {
        while (true)
        {
            Policy current = policy.Policy;
            KnownCaller known = await KnowAsync(current, caller, userIsName: true);
            var question = new Question(known, "", UserSelector.ById(new UserId(account.Uid)), account, null);
            if (!await IsOutdatedAsync(
                current, [.. UncertainNames.OfSignIn(current, known), .. UncertainNames.OfUse(current, question)]))
                return current.MaySignIn(known) && current.CanUseTicket(question);
        }
    }

    /// <summary>
    /// Decides by one policy. Returns null if the policy knew too little of the names that matter, and another policy is in effect now.
    /// </summary>
    private async ValueTask<Decision?> DecideAsync(
        Policy current, Caller caller, string job, UserSelector user, byte[]? arguments, List<CheckedRule>? trace, SignedInUser? signedIn)
    {
        using RequestArguments? given = RequestArguments.Read(arguments, current.Arguments, jobs?.Invoke(job));
        KnownCaller known = await KnowAsync(current, caller, userIsName: user.Uid is null);
        var question = new Question(known, job, user, null, given, SignedIn: signedIn);
        await patterns.AnswerAsync(caller.Bucket, current.PatternsOf(question));
        Decision byName = current.Decide(question, trace);
        if (byName.Answer != Answer.NeedsAccount)
        {
            if (await IsOutdatedAsync(current, UncertainNames.Of(current, question, byName)))
                return null;
            await AskWithoutEffectAsync(current, question, null);
            return byName;
        }

        Account? account = await users.FindAsync(user, caller.Bucket);
        Decision decision = await DecideByAccountAsync(current, question, account, byName, trace);
        if (await IsOutdatedAsync(current, UncertainNames.Of(current, question with { Account = account }, decision)))
            return null;
        if (decision.Answer == Answer.NeedsConsent)
        {
            // One answer counts for all rules, also for the rules that ask without effect.
            ConsentAnswer consent = await AskAsync(known, job, account!);
            trace?.Clear();
            return current.Decide(question with { Account = account, Consent = consent }, trace);
        }

        if (decision.Answer == Answer.Denied)
            await AskWithoutEffectAsync(current, question, account);
        return decision;
    }

    /// <summary>
    /// Waits until the names with too old answers were looked up again; returns whether another policy is in effect since.
    /// </summary>
    private async ValueTask<bool> IsOutdatedAsync(Policy current, IReadOnlyList<UncertainName> uncertain) =>
        names is not null && await names.RefreshAsync(uncertain) && policy.Policy != current;

    private async ValueTask<Decision> DecideByAccountAsync(Policy current, Question question, Account? account, Decision byName,
        List<CheckedRule>? trace)
    {
        if (account is null)
            return MayKnow(question.Caller.Caller, question.User) ? new Decision(Answer.UnknownUser, byName.Rule, "there is no such user")
                : Decision.Deny("there is no such user");
        if (await ProblemAsync(question.Caller.Caller, question.User, account) is { } problem)
            return Decision.Deny(problem);
        trace?.Clear();
        return current.Decide(question with { Account = account }, trace);
    }

    private async ValueTask<KnownCaller> KnowAsync(Policy current, Caller caller, bool userIsName) =>
        current.Know(
            caller, current.NeedsCallerAccount(userIsName) ? await users.FindAsync(UserSelector.ById(caller.Uid), caller.Bucket) : null);

    /// <summary>
    /// Asks for consent without effect: the caller must not learn from the duration of a denial whether the user exists, or whether a rule
    /// covers it.
    /// </summary>
    private async ValueTask AskWithoutEffectAsync(Policy current, Question question, Account? account)
    {
        if (!current.MightAskConsent(question))
            return;
        Account asked = account is not null && !current.IsBelowFloor(new UserId(account.Uid)) ? account : Nobody(question.User);
        _ = await AskAsync(question.Caller, question.Job, asked);
    }

    private async ValueTask<ConsentAnswer> AskAsync(KnownCaller caller, string job, Account target) => consents is null
        ? new ConsentAnswer(false, "consent cannot be checked")
        : await consents.AskAsync(
            caller.Caller, caller.Name ?? (await users.FindAsync(UserSelector.ById(caller.Caller.Uid), caller.Caller.Bucket))?.Name, job,
            target);

    /// <summary>A user without a consent file, to ask instead of a user who does not exist or is never asked.</summary>
    private static Account Nobody(UserSelector user) => new(user.ToString(), NobodyId, NobodyId, [NobodyId], "/nonexistent", "");

    /// <summary>
    /// Root can read the user database anyway, and every user knows of itself. For other callers, a missing user looks like a denied user.
    /// </summary>
    private static bool MayKnow(Caller caller, UserSelector user) => caller.Uid == UserId.Root || user.Uid == caller.Uid;

    /// <summary>
    /// One uid can have several names, each with its own groups and home, and the database can change between two lookups. The daemon
    /// decides only on the account to which the uid itself leads; it denies a request that uses another name.
    /// </summary>
    private async ValueTask<string?> ProblemAsync(Caller caller, UserSelector user, Account account)
    {
        if (user.Uid is { } uid)
            return account.Uid == uid.Value ? null : $"uid {uid} led to the account of uid {account.Uid}";
        Account? own = await users.FindAsync(UserSelector.ById(new UserId(account.Uid)), caller.Bucket);
        return own is not null && own.Uid == account.Uid && own.Gid == account.Gid
            && string.Equals(own.Name, account.Name, StringComparison.Ordinal)
            ? null
            : $"\"{user}\" led to uid {account.Uid}, which is the account \"{own?.Name}\"";
    }
}
