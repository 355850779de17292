using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// Finds rules with which signing in protects nothing, or nobody can use. None of them rejects the configuration, because each part is
/// valid.
/// </summary>
internal static class SignInWarnings
{
    /// <summary>Returns the warnings, one line each.</summary>
    /// <param name="policy">The policy.</param>
    public static IEnumerable<string> Of(Policy policy)
    {
        if (policy.SignIn is not { } signIn)
            yield break;
        if (!policy.Rules.Any(rule => rule.RequireSignIn))
            yield return "users can sign in (Policy:SignIn), but no rule has RequireSignIn, so that no request needs a ticket";
        for (int i = 0; i < policy.Rules.Count; i++)
        {
            Rule rule = policy.Rules[i];
            if (!rule.RequireSignIn)
                continue;
            if (AreApart(rule.Callers, signIn.Callers))
                yield return $"the rule \"{rule.Name}\" allows nothing: none of its callers may sign users in (Policy:SignIn:Callers)";
            if (policy.Rules.Take(i).FirstOrDefault(earlier => AllowsAllOf(earlier, rule)) is { } open)
                yield return $"the rule \"{rule.Name}\" requires a ticket without effect: the rule \"{open.Name}\" before it allows the "
                    + "same without one";
        }
    }

    /// <summary>Whether no caller can be in both lists. A group can contain every user.</summary>
    private static bool AreApart(IReadOnlyList<Principal> some, IReadOnlyList<Principal> others) =>
        some.Concat(others).All(entry => entry.Kind is PrincipalKind.User or PrincipalKind.Uid)
        && !some.Any(entry => others.Any(other => AreSame(entry, other) || (entry.IsKnown && other.IsKnown && entry.Uid == other.Uid)));

    /// <summary>Whether a rule allows, without a condition, whatever another one allows.</summary>
    private static bool AllowsAllOf(Rule rule, Rule other) =>
        rule is { Deny: false, RequireSignIn: false, RequireConsent: false, Where.Count: 0 }
        && other.Callers.All(entry => Covers(rule.Callers, entry)) && other.As.All(entry => CoversUser(rule.As, entry))
        && other.Jobs.All(job => rule.Jobs.Any(pattern => pattern == job || pattern == JobPattern.All));

    private static bool Covers(IReadOnlyList<Principal> entries, Principal one) =>
        entries.Any(entry => entry.Kind == PrincipalKind.Everyone || AreSame(entry, one));

    /// <summary>The same for <c>As</c>, where <c>*</c> does not mean users below MinimumUid, and a name does.</summary>
    private static bool CoversUser(IReadOnlyList<Principal> entries, Principal one) =>
        one.Kind is PrincipalKind.User or PrincipalKind.Uid ? entries.Any(entry => AreSame(entry, one)) : Covers(entries, one);

    private static bool AreSame(in Principal entry, in Principal other) => entry.Kind == other.Kind && entry.Name == other.Name;
}
