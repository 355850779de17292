using PipeForkAs.Daemon.Listening;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>A rule as it was read. A rule that refuses matches more readily than one that allows: in doubt it does.</summary>
internal sealed record Rule
{
    public required string Name { get; init; }

    public required IReadOnlyList<Principal> Callers { get; init; }

    public required IReadOnlyList<string> Jobs { get; init; }

    public required IReadOnlyList<Principal> As { get; init; }

    public bool Deny { get; init; }

    public bool AllowRoot { get; init; }

    public bool RequireConsent { get; init; }

    public IReadOnlyList<Condition> Where { get; init; } = [];

    /// <summary>Whether the caller is among <see cref="Callers"/>; its groups are the kernel's.</summary>
    public bool CoversCaller(Caller caller, string? name) => Callers.Any(entry => entry.Kind switch
    {
        PrincipalKind.Everyone => true,
        PrincipalKind.Uid => caller.Uid == entry.Uid,
        PrincipalKind.User => Same(caller.Uid == entry.Uid, string.Equals(name, entry.Name, StringComparison.Ordinal)),
        PrincipalKind.Group => caller.Gid == entry.Gid || caller.Groups.Contains(entry.Gid),
        _ => false,
    });

    /// <summary>Whether the job's name is among <see cref="Jobs"/>.</summary>
    public bool CoversJob(string job) => Jobs.Any(pattern => Names(pattern, job));

    /// <summary>Whether an entry of <see cref="Jobs"/> means the job: it is its name, or the beginning of it with <c>*</c> behind.</summary>
    public static bool Names(string pattern, string job) => pattern[^1] == '*'
        ? job.AsSpan().StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal)
        : string.Equals(job, pattern, StringComparison.Ordinal);

    /// <summary>Whether the user is among <see cref="As"/>.</summary>
    public Truth CoversUser(in Question question, uint minimumUid)
    {
        Truth any = Truth.No;
        foreach (Principal entry in As)
        {
            Truth one = question.Account is { } account ? Covers(entry, question, account, minimumUid) : Might(entry, question, minimumUid);
            any = one > any ? one : any;
        }

        return any;
    }

    /// <summary>Whether the arguments are what <see cref="Where"/> demands.</summary>
    public Truth CoversArguments(in Question question)
    {
        Truth all = Truth.Yes;
        foreach (Condition condition in Where)
            all = Condition.And(all, condition.Holds(question.Arguments, question.Account?.Home));
        return all;
    }

    /// <summary>Whether this uid is one that only a rule that names it allows.</summary>
    public static bool IsBelowFloor(UserId uid, uint minimumUid) => uid == UserId.Root || uid.Value < minimumUid;

    private Truth Covers(in Principal entry, in Question question, Account account, uint minimumUid)
    {
        var uid = new UserId(account.Uid);
        bool floor = Deny || !IsBelowFloor(uid, minimumUid);
        bool root = Deny || AllowRoot || uid != UserId.Root;
        bool covers = entry.Kind switch
        {
            PrincipalKind.Everyone => floor,
            PrincipalKind.Self => floor && uid == question.Caller.Uid,
            PrincipalKind.User => root && Same(uid == entry.Uid, string.Equals(account.Name, entry.Name, StringComparison.Ordinal)),
            PrincipalKind.Uid => root && uid == entry.Uid,
            PrincipalKind.Group => floor && account.Groups.Contains(entry.Gid.Value),
            _ => false,
        };
        return covers ? Truth.Yes : Truth.No;
    }

    /// <summary>The same before anything was looked up: what a name alone can say.</summary>
    private Truth Might(in Principal entry, in Question question, uint minimumUid)
    {
        bool floor = Deny || question.User.Uid is not { } asked || !IsBelowFloor(asked, minimumUid);
        switch (entry.Kind)
        {
            case PrincipalKind.Everyone:
                return Deny ? Truth.Yes : floor ? Truth.Pending : Truth.No;
            case PrincipalKind.Group:
                return floor ? Truth.Pending : Truth.No;
            case PrincipalKind.Self when Deny:
                return question.User.Uid == question.Caller.Uid ? Truth.Yes : question.User.Uid is null ? Truth.Pending : Truth.No;
            case PrincipalKind.Self:
                bool own = question.User.Uid is { } uid ? uid == question.Caller.Uid
                    : question.CallerName is { } name && string.Equals(question.User.Name, name, StringComparison.Ordinal);
                return own && !IsBelowFloor(question.Caller.Uid, minimumUid) ? Truth.Pending : Truth.No;
            case PrincipalKind.Uid:
                return question.User.Uid is null ? Truth.Pending : question.User.Uid != entry.Uid ? Truth.No : Deny ? Truth.Yes : Truth.Pending;
            case PrincipalKind.User when Deny:
                return question.User.Uid == entry.Uid || string.Equals(question.User.Name, entry.Name, StringComparison.Ordinal) ? Truth.Yes : Truth.Pending;
            case PrincipalKind.User:
                return question.User.Uid == entry.Uid || string.Equals(question.User.Name, entry.Name, StringComparison.Ordinal) ? Truth.Pending : Truth.No;
            default:
                return Truth.No;
        }
    }

    /// <summary>
    /// A user that a rule names has the uid and the name that it had when the rules were read. An account that was made anew since, with
    /// one of the two, is another: it is not allowed what was meant for the first, and not let off what was denied to it.
    /// </summary>
    private bool Same(bool uid, bool name) => Deny ? uid || name : uid && name;
}
