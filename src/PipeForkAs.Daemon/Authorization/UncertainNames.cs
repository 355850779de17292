using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>A name on which a decision depends, and of which the policy might know too little.</summary>
/// <param name="Name">The name.</param>
/// <param name="Expires">
/// Whether the answer becomes too old with time; otherwise only after a file of the user database has changed.
/// </param>
internal readonly record struct UncertainName(PolicyName Name, bool Expires);

/// <summary>
/// Finds the names on which a decision depends and of which the policy might know too little: unknown names, names whose id is no longer
/// that of the user, and groups, because a decision cannot check their id. All other names are certain: the decision has compared their
/// name and id with the account.
/// </summary>
internal static class UncertainNames
{
    /// <summary>Returns the names that could change a decision.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="question">The question.</param>
    /// <param name="decision">The decision of the policy.</param>
    public static IReadOnlyList<UncertainName> Of(Policy policy, in Question question, in Decision decision)
    {
        if (policy.Names.Count == 0)
            return [];
        var found = new List<UncertainName>();
        foreach (Rule rule in policy.Rules)
        {
            // A rule that denies cannot change a denial, and a rule that allows cannot change a permission, unless that rule decided.
            bool decided = rule.Name == decision.Rule;
            if ((decided || decision.Answer != (rule.Deny ? Answer.Denied : Answer.Allowed)) && rule.CoversJob(question.Job))
                Add(found, rule, question);
            if (decided && decision.Answer != Answer.NeedsConsent)
                break;
        }

        return found;
    }

    /// <summary>Returns the names that could change which jobs a caller may know of.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="caller">The caller.</param>
    public static IReadOnlyList<UncertainName> Of(Policy policy, KnownCaller caller)
    {
        var found = new List<UncertainName>();
        foreach (Rule rule in policy.Names.Count == 0 ? [] : policy.Rules)
        {
            int before = found.Count;
            AddCallers(found, rule, caller);
            if (found.Count == before && !rule.CoversCaller(caller))
                continue;
            foreach (Principal entry in rule.As)
            {
                if (!entry.IsKnown && entry.ToLookUp is { } name)
                    found.Add(new UncertainName(name, Expires: true));
            }
        }

        return found;
    }

    /// <summary>Returns the names that could change whether a caller may sign users in.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="caller">The caller.</param>
    public static IReadOnlyList<UncertainName> OfSignIn(Policy policy, KnownCaller caller)
    {
        var found = new List<UncertainName>();
        if (policy.SignIn is { } rule)
            AddCallers(found, rule, caller);
        return found;
    }

    /// <summary>Returns the names that could change whether a caller can use a ticket of a user for some job.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="question">The caller and the account.</param>
    public static IReadOnlyList<UncertainName> OfUse(Policy policy, in Question question)
    {
        var found = new List<UncertainName>();
        foreach (Rule rule in policy.Names.Count == 0 ? [] : policy.Rules)
        {
            if (rule.RequireSignIn || rule.DeniesAllJobs)
                Add(found, rule with { Where = [] }, question);
        }

        return found;
    }

    private static void Add(List<UncertainName> found, Rule rule, in Question question)
    {
        int before = found.Count;
        AddCallers(found, rule, question.Caller);
        bool caller = found.Count > before || rule.CoversCaller(question.Caller);
        int between = found.Count;
        if (caller)
            AddUsers(found, rule, question);
        bool user = caller && (found.Count > between || rule.CoversUser(question, minimumUid: 0) != TruthValue.No);
        if (!user || rule.CoversArguments(question) == TruthValue.No)
            found.RemoveRange(before, found.Count - before);
    }

    private static void AddCallers(List<UncertainName> found, Rule rule, KnownCaller caller)
    {
        foreach (Principal entry in rule.Callers)
        {
            if (entry.ToLookUp is { } name && IsUncertain(rule, entry, caller.Caller.Uid, caller.Name) is { } expires)
                found.Add(new UncertainName(name, expires));
        }
    }

    private static void AddUsers(List<UncertainName> found, Rule rule, in Question question)
    {
        foreach (Principal entry in rule.As)
        {
            if (entry.ToLookUp is not { } name)
                continue;
            bool? expires = question.Account is { } account
                ? IsUncertain(rule, entry, new UserId(account.Uid), account.Name)
                : IsUncertain(entry, question);
            if (expires is { } value)
                found.Add(new UncertainName(name, value));
        }
    }

    /// <summary>
    /// Whether another lookup could change whether an entry means a user. Null for no; otherwise, whether the answer expires.
    /// </summary>
    private static bool? IsUncertain(Rule rule, in Principal entry, UserId uid, string? name)
    {
        if (entry.Kind == PrincipalKind.Group)
            return !entry.IsKnown;
        bool sameName = string.Equals(name, entry.Name, StringComparison.Ordinal);
        return entry.State switch
        {
            NameState.Known => sameName != (uid == entry.Uid) ? true : null,
            NameState.Unusable => sameName || uid == entry.Uid ? true : null,
            NameState.Unanswered when rule.Deny && name is null => true,
            _ => sameName ? true : null,
        };
    }

    /// <summary>Like the other overload, if only the request names the user.</summary>
    private static bool? IsUncertain(in Principal entry, in Question question)
    {
        if (entry.Kind == PrincipalKind.Group)
            return !entry.IsKnown;
        if (question.User.Uid is not null)
            return true;
        return !entry.IsKnown && string.Equals(question.User.Name, entry.Name, StringComparison.Ordinal) ? true : null;
    }
}
