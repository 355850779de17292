using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Forking;
using PipeForkAs.Daemon.Patterns;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>Asks the policy, and looks up for it what it needs.</summary>
/// <param name="policy">The policy to begin with.</param>
/// <param name="users">The user database.</param>
/// <param name="patterns">Matches the patterns of rules.</param>
/// <param name="consents">Asks users for their consent; null where nobody can be asked, and nobody consents.</param>
/// <param name="jobs">Tells the arguments that a job takes; null where nobody knows, as of a job that there is not.</param>
internal sealed class PolicyAuthorizer(
    Policy policy, IUserDatabase users, PatternMatcher patterns, IConsents? consents = null,
    Func<string, KnownArguments?>? jobs = null)
    : IAuthorizer
{
    private const uint NobodyId = 65534;

    /// <summary>What decides from now on; a decision that is under way goes by one policy from its beginning to its end.</summary>
    public Policy Policy { get; set; } = policy;

    /// <summary>Looks up again what the policy could not resolve; null where nothing does.</summary>
    public NameWatch? Names { get; set; }

    public async ValueTask<Decision> DecideAsync(
        Caller caller, string job, UserSelector user, byte[]? arguments, List<CheckedRule>? trace = null)
    {
        while (true)
        {
            Policy current = Policy;
            if (await DecideAsync(current, caller, job, user, arguments, trace) is { } decision)
                return decision;
            trace?.Clear();
        }
    }

    public async ValueTask<Func<string, bool>> KnownJobsAsync(Caller caller)
    {
        // Root can read the configuration and the job hosts anyway; and it describes a job before it checks what others may do with it.
        if (caller.Uid == UserId.Root)
            return _ => true;

        while (true)
        {
            Policy current = Policy;
            KnownCaller known = await KnowAsync(current, caller, userIsName: false);
            if (!await IsOutdatedAsync(current, UncertainNames.Of(current, known)))
                return current.JobsOf(known);
        }
    }

    /// <summary>Decides by one policy. Null where that one knew too little of the names that count, and another decides now.</summary>
    private async ValueTask<Decision?> DecideAsync(
        Policy current, Caller caller, string job, UserSelector user, byte[]? arguments, List<CheckedRule>? trace)
    {
        using RequestArguments? given = RequestArguments.Read(arguments, current.Arguments, jobs?.Invoke(job));
        KnownCaller known = await KnowAsync(current, caller, userIsName: user.Uid is null);
        var question = new Question(known, job, user, null, given);
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
            // One answer counts for all rules, also for what they are asked in vain.
            ConsentAnswer consent = await AskAsync(known, job, account!);
            trace?.Clear();
            return current.Decide(question with { Account = account, Consent = consent }, trace);
        }

        if (decision.Answer == Answer.Denied)
            await AskWithoutEffectAsync(current, question, account);
        return decision;
    }

    /// <summary>Waits until names were looked up again whose answers are too old; tells whether another policy decides since.</summary>
    private async ValueTask<bool> IsOutdatedAsync(Policy current, IReadOnlyList<UncertainName> uncertain) =>
        Names is { } names && await names.RefreshAsync(uncertain) && Policy != current;

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
    /// The caller must not learn from the time that a denial takes whether there is such a user, and whether a rule covers it.
    /// </summary>
    private async ValueTask AskWithoutEffectAsync(Policy current, Question question, Account? account)
    {
        if (!current.MightAskConsent(question))
            return;
        Account asked = account is not null && !current.IsBelowFloor(new UserId(account.Uid)) ? account : Nobody(question.User);
        _ = await AskAsync(question.Caller, question.Job, asked);
    }

    private async ValueTask<ConsentAnswer> AskAsync(KnownCaller caller, string job, Account target) => consents is null
        ? new ConsentAnswer(false, "nobody can be asked")
        : await consents.AskAsync(
            caller.Caller, caller.Name ?? (await users.FindAsync(UserSelector.ById(caller.Caller.Uid), caller.Caller.Bucket))?.Name, job,
            target);

    /// <summary>A user who has no file, to be asked in the place of one who does not exist or is never asked.</summary>
    private static Account Nobody(UserSelector user) => new(user.ToString(), NobodyId, NobodyId, [NobodyId], "/nonexistent", "");

    /// <summary>
    /// Root may read the user database anyway, and of itself everyone knows. To others, a user that does not exist is one that they may
    /// not.
    /// </summary>
    private static bool MayKnow(Caller caller, UserSelector user) => caller.Uid == UserId.Root || user.Uid == caller.Uid;

    /// <summary>
    /// One uid can have several names, each with groups and a home of its own, and the database may change between two look-ups. Only the
    /// account that the uid itself leads to is decided upon; to be asked for by another name is refused.
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
