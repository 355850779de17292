using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>A rule as read. In doubt, a rule that denies matches, and a rule that allows does not.</summary>
internal sealed record Rule
{
    public required string Name { get; init; }

    public required IReadOnlyList<Principal> Callers { get; init; }

    public required IReadOnlyList<string> Jobs { get; init; }

    public required IReadOnlyList<Principal> As { get; init; }

    public bool Deny { get; init; }

    public bool AllowRoot { get; init; }

    public bool RequireConsent { get; init; }

    public bool RequireSignIn { get; init; }

    public IReadOnlyList<Condition> Where { get; init; } = [];

    /// <summary>Whether the rule denies every job with any arguments, to the callers and users that it names.</summary>
    public bool DeniesAllJobs => Deny && Where.Count == 0 && Jobs.Contains(JobPattern.All);

    /// <summary>Whether the rule denies by a group of the caller.</summary>
    public bool DeniesGroupOfCaller => Deny && Callers.Any(entry => entry.Kind == PrincipalKind.Group);

    /// <summary>
    /// Whether the caller is among <see cref="Callers"/>. A rule that allows uses the groups of the caller's process, as the kernel attests
    /// them; a rule that denies also uses the groups of the caller's account.
    /// </summary>
    public bool CoversCaller(KnownCaller caller)
    {
        foreach (Principal entry in Callers)
        {
            bool covers = entry.Kind switch
            {
                PrincipalKind.Everyone => true,
                PrincipalKind.Uid => caller.Caller.Uid == entry.Uid,
                PrincipalKind.User => Means(entry, caller.Caller.Uid, caller.Name),
                PrincipalKind.Group when entry.IsKnown => caller.IsIn(entry.Gid) || (Deny && caller.HasAccountIn(entry.Gid)),
                PrincipalKind.Group => DeniesInDoubt(entry),
                _ => false,
            };
            if (covers)
                return true;
        }

        return false;
    }

    /// <summary>Whether the job's name is among <see cref="Jobs"/>.</summary>
    public bool CoversJob(string job)
    {
        foreach (string pattern in Jobs)
        {
            if (JobPattern.Matches(pattern, job))
                return true;
        }

        return false;
    }

    /// <summary>Whether the user is among <see cref="As"/>.</summary>
    public TruthValue CoversUser(in Question question, uint minimumUid)
    {
        TruthValue any = TruthValue.No;
        foreach (Principal entry in As)
        {
            TruthValue one = question.Account is { } account
                ? Covers(entry, question, account, minimumUid)
                : MayMatch(entry, question, minimumUid);
            any = one > any ? one : any;
        }

        return any;
    }

    /// <summary>Whether the arguments are what <see cref="Where"/> demands.</summary>
    public TruthValue CoversArguments(in Question question)
    {
        TruthValue all = TruthValue.Yes;
        foreach (Condition condition in Where)
            all = Condition.And(all, condition.Holds(question.Arguments, question.Account?.Home));
        return all;
    }

    /// <summary>
    /// Whether the rule needs no ticket, or the caller has one of the user. Before the look-up, this uses what the request names.
    /// </summary>
    public bool IsSignedIn(in Question question) =>
        !RequireSignIn || (question.SignedIn is { } user && user.MayBe(question.User)
            && (question.Account is not { } account || user == new SignedInUser(account.Name, new UserId(account.Uid))));

    /// <summary>Whether only a rule that names this uid can allow it.</summary>
    public static bool IsBelowFloor(UserId uid, uint minimumUid) => uid == UserId.Root || uid.Value < minimumUid;

    private TruthValue Covers(in Principal entry, in Question question, Account account, uint minimumUid)
    {
        var uid = new UserId(account.Uid);
        bool floor = Deny || !IsBelowFloor(uid, minimumUid);
        bool root = Deny || AllowRoot || uid != UserId.Root;
        if (entry.Kind == PrincipalKind.Group && !entry.IsKnown)
            return DeniesInDoubt(entry) ? TruthValue.Unknowable : TruthValue.No;
        bool covers = entry.Kind switch
        {
            PrincipalKind.Everyone => floor,
            PrincipalKind.Self => floor && uid == question.Caller.Caller.Uid,
            PrincipalKind.User => root && Means(entry, uid, account.Name),
            PrincipalKind.Uid => root && uid == entry.Uid,
            PrincipalKind.Group => floor && account.Groups.Contains(entry.Gid.Value),
            _ => false,
        };
        return covers ? TruthValue.Yes : TruthValue.No;
    }

    /// <summary>Like <c>CoversUser</c>, before anything was looked up: uses the name alone.</summary>
    private TruthValue MayMatch(in Principal entry, in Question question, uint minimumUid)
    {
        bool floor = Deny || question.User.Uid is not { } asked || !IsBelowFloor(asked, minimumUid);
        switch (entry.Kind)
        {
            case PrincipalKind.Everyone:
                return Deny ? TruthValue.Yes : floor ? TruthValue.Pending : TruthValue.No;
            case PrincipalKind.Group when !entry.IsKnown:
                return DeniesInDoubt(entry) ? TruthValue.Unknowable : TruthValue.No;
            case PrincipalKind.Group:
                return floor ? TruthValue.Pending : TruthValue.No;
            case PrincipalKind.Self when Deny:
                return question.User.Uid == question.Caller.Caller.Uid ? TruthValue.Yes : question.User.Uid is null
                    ? TruthValue.Pending
                    : TruthValue.No;
            case PrincipalKind.Self:
                bool own = question.User.Uid is { } uid ? uid == question.Caller.Caller.Uid
                    : question.Caller.Name is { } name && string.Equals(question.User.Name, name, StringComparison.Ordinal);
                return own && !IsBelowFloor(question.Caller.Caller.Uid, minimumUid) ? TruthValue.Pending : TruthValue.No;
            case PrincipalKind.Uid:
                return question.User.Uid is null ? TruthValue.Pending : question.User.Uid != entry.Uid ? TruthValue.No : Deny
                    ? TruthValue.Yes : TruthValue.Pending;
            case PrincipalKind.User when Deny:
                return Names(entry, question.User) ? TruthValue.Yes : TruthValue.Pending;
            case PrincipalKind.User:
                return entry.IsKnown && Names(entry, question.User) ? TruthValue.Pending : TruthValue.No;
            default:
                return TruthValue.No;
        }
    }

    /// <summary>Whether a request names the user of an entry, by uid or by name.</summary>
    private static bool Names(in Principal entry, UserSelector user) =>
        (HasId(entry) && user.Uid == entry.Uid) || string.Equals(user.Name, entry.Name, StringComparison.Ordinal);

    /// <summary>
    /// Whether an entry means a user. The entry means the account with both the uid and the name from the lookup: an account that was
    /// created later with only one of them is another account. It does not receive the permissions of the first account, and it does not
    /// escape the denials for the first account. A name that could not be resolved allows nothing. It denies the user of that name; and, if
    /// the lookup had no answer, also every user without an account, because the database might not return that user's name for the same
    /// reason.
    /// </summary>
    /// <param name="entry">The entry.</param>
    /// <param name="uid">The uid of the user.</param>
    /// <param name="name">The name that the database has for that uid; null if it has none.</param>
    private bool Means(in Principal entry, UserId uid, string? name)
    {
        bool sameName = string.Equals(name, entry.Name, StringComparison.Ordinal);
        if (!Deny)
            return entry.IsKnown && uid == entry.Uid && sameName;
        return sameName || (HasId(entry) ? uid == entry.Uid : entry.State == NameState.Unanswered && name is null);
    }

    /// <summary>Whether the database gave an id for the name.</summary>
    private static bool HasId(in Principal entry) => entry.State is NameState.Known or NameState.Unusable;

    /// <summary>
    /// Whether every user counts as a member of an unresolved group: in a rule that denies, if the lookup of the group had no answer. A
    /// group that the database does not know has no members.
    /// </summary>
    private bool DeniesInDoubt(in Principal entry) => Deny && entry.State == NameState.Unanswered;
}
