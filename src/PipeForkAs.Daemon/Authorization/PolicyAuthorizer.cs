using System.Text.Json;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>Asks the policy, and looks up for it what it needs.</summary>
/// <param name="policy">The policy to begin with.</param>
/// <param name="users">The user database.</param>
/// <param name="consents">Asks users for their consent; null where nobody can be asked, and nobody consents.</param>
internal sealed class PolicyAuthorizer(Policy policy, IUserDatabase users, IConsents? consents = null) : IAuthorizer
{
    /// <summary>What decides from now on; a decision that is under way goes by one policy from its beginning to its end.</summary>
    public Policy Policy { get; set; } = policy;

    public async ValueTask<Decision> DecideAsync(Caller caller, string job, UserSelector user, byte[]? arguments, List<CheckedRule>? trace = null)
    {
        Policy current = Policy;
        using JsonDocument? document = current.LooksAtArguments && arguments is not null ? JsonDocument.Parse(arguments) : null;
        string? callerName = await NameAsync(caller, current.NeedsCallerName(user.Uid is null));
        var question = new Question(caller, callerName, job, user, null, document?.RootElement);
        Decision byName = current.Decide(question, trace);
        if (byName.Answer != Answer.NeedsAccount)
            return byName;

        Account? account = await users.FindAsync(user);
        if (account is null)
            return MayKnow(caller, user) ? new Decision(Answer.UnknownUser, byName.Rule, "there is no such user") : Decision.Deny("there is no such user");
        if (await ProblemAsync(user, account) is { } problem)
            return Decision.Deny(problem);
        trace?.Clear();
        question = question with { Account = account };
        Decision decision = current.Decide(question, trace);
        if (decision.Answer != Answer.NeedsConsent)
            return decision;

        // One answer counts for all rules, also for what they are asked in vain.
        ConsentAnswer consent = consents is null
            ? new ConsentAnswer(false, "nobody can be asked")
            : await consents.AskAsync(caller, callerName ?? await NameAsync(caller, needed: true), job, account);
        trace?.Clear();
        return current.Decide(question with { Consent = consent }, trace);
    }

    public async ValueTask<Func<string, bool>> KnownJobsAsync(Caller caller)
    {
        // Root can read the configuration and the job hosts anyway; and it describes a job before it checks what others may do with it.
        if (caller.Uid == UserId.Root)
            return _ => true;

        Policy current = Policy;
        string? name = await NameAsync(caller, current.NeedsCallerName(userIsName: false));
        return job => current.MayRun(caller, name, job);
    }

    /// <summary>Root may read the user database anyway, and of itself everyone knows. To others, a user that does not exist is one that they may not.</summary>
    private static bool MayKnow(Caller caller, UserSelector user) => caller.Uid == UserId.Root || user.Uid == caller.Uid;

    private async ValueTask<string?> NameAsync(Caller caller, bool needed) =>
        needed ? (await users.FindAsync(UserSelector.ById(caller.Uid)))?.Name : null;

    /// <summary>
    /// One uid can have several names, each with groups and a home of its own, and the database may change between two look-ups. Only the
    /// account that the uid itself leads to is decided upon; to be asked for by another name is refused.
    /// </summary>
    private async ValueTask<string?> ProblemAsync(UserSelector user, Account account)
    {
        if (user.Uid is { } uid)
            return account.Uid == uid.Value ? null : $"uid {uid} led to the account of uid {account.Uid}";
        Account? own = await users.FindAsync(UserSelector.ById(new UserId(account.Uid)));
        return own is not null && own.Uid == account.Uid && own.Gid == account.Gid && string.Equals(own.Name, account.Name, StringComparison.Ordinal)
            ? null
            : $"\"{user}\" led to uid {account.Uid}, which is the account \"{own?.Name}\"";
    }
}
