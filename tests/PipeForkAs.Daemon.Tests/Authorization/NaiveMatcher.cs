using System.Text.Json.Nodes;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Authorization;

/// <summary>A rule of the naive matcher, with texts as an administrator writes them.</summary>
internal sealed record NaiveRule(
    string[] Callers, string[] Jobs, string[] As, bool Deny, bool AllowRoot, NaiveCondition[] Where, bool RequireConsent);

/// <summary>A test of an argument, in one of the forms that a rule allows.</summary>
internal sealed record NaiveCondition(string Argument, string Way, string[] Values);

/// <summary>
/// An independent, slow and simple implementation of the policy, from the texts of the rules. It shares no code with the product.
/// </summary>
internal static class NaiveMatcher
{
    /// <summary>The index of the rule that decides, and its decision; -1 and false if none does.</summary>
    public static (int Rule, bool Allowed) Decide(IReadOnlyList<NaiveRule> rules, uint minimumUid, uint callerUid, uint[] callerGroups,
        uint[] accountGroups, string job, Account user, JsonObject? arguments, bool consents)
    {
        if (user.Uid == 4294967295)
            return (-1, false);
        for (int i = 0; i < rules.Count; i++)
        {
            NaiveRule rule = rules[i];
            bool callerMatches = false;
            foreach (string caller in rule.Callers)
                callerMatches = callerMatches || caller == "*" || IsPerson(caller, callerUid)
                    || IsGroup(caller, rule.Deny ? [.. callerGroups, .. accountGroups] : callerGroups);
            bool jobMatches = false;
            foreach (string name in rule.Jobs)
                jobMatches = jobMatches || name == job
                    || (name.EndsWith('*') && job.StartsWith(name.Replace("*", "", StringComparison.Ordinal), StringComparison.Ordinal));
            bool userMatches = false;
            foreach (string target in rule.As)
            {
                bool named = IsPerson(target, user.Uid);
                bool broad = target == "*" || (target == "self" && user.Uid == callerUid) || IsGroup(target, [.. user.Groups]);
                if (!rule.Deny && (user.Uid == 0 || user.Uid < minimumUid))
                    broad = false;
                if (!rule.Deny && user.Uid == 0 && !rule.AllowRoot)
                    named = false;
                userMatches = userMatches || named || broad;
            }

            // An unknown result never allows and always denies: a rule that allows needs every condition to be true, a rule that denies
            // needs none to be false.
            bool?[] holds = [.. rule.Where.Select(condition => NaiveConditions.Holds(condition, arguments, user.Home))];
            bool argumentsMatch = rule.Deny ? holds.All(one => one != false) : holds.All(one => one == true);
            if (callerMatches && jobMatches && userMatches && argumentsMatch && (consents || !rule.RequireConsent))
                return (i, !rule.Deny);
        }

        return (-1, false);
    }

    private static bool IsPerson(string text, uint uid) =>
        text == $"{uid}"
        || PolicyWorld.Instance.Accounts.Any(account => account.Name == text && account.Uid == uid && !text.All(char.IsDigit));

    private static bool IsGroup(string text, uint[] groups) =>
        text.StartsWith('@')
        && groups.Any(gid => text == $"@{gid}" || (PolicyWorld.Instance.Groups.TryGetValue(text[1..], out uint named) && named == gid));
}
