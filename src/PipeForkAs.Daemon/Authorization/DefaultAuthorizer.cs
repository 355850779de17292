using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>The built-in rules: everyone as themselves, root as everyone, and nobody as root or as one of the system's own accounts.</summary>
internal sealed class DefaultAuthorizer(PolicyOptions policy, IUserDatabase users) : IAuthorizer
{
    public async ValueTask<Verdict> AuthorizeAsync(Caller caller, string job, UserSelector user)
    {
        if (caller.Uid == UserId.Root)
            return user.Uid is { } target ? Floor(target, "root as everyone") : Verdict.Allow("root as everyone");
        if (user.Uid is { } uid)
            return uid == caller.Uid ? Floor(uid, "self") : Verdict.Deny("no rule");

        // A name: it is the caller's own or it is not. Only the caller's own account is looked up for that.
        Account? own = await users.FindAsync(UserSelector.ById(caller.Uid));
        return own is not null && string.Equals(own.Name, user.Name, StringComparison.Ordinal) ? Floor(caller.Uid, "self") : Verdict.Deny("no rule");
    }

    public Verdict AuthorizeResolved(Caller caller, string job, Account user)
    {
        var uid = new UserId(user.Uid);
        if (caller.Uid == UserId.Root)
            return Floor(uid, "root as everyone");
        return uid == caller.Uid ? Floor(uid, "self") : Verdict.Deny("the name leads to another uid");
    }

    private Verdict Floor(UserId uid, string rule) =>
        uid == UserId.Root || uid == UserId.Unchanged || uid.Value < policy.MinimumUid
            ? Verdict.Deny($"{rule}, but uid {uid} is under the floor")
            : Verdict.Allow(rule);
}
