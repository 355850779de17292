using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Authorization;

/// <summary>Compares a million random (policy, caller, job, user) with <see cref="NaiveMatcher"/>.</summary>
public sealed class PolicyPropertyTests
{
    private const int Policies = 20_000, QuestionsOfEach = 50;

    private static readonly string[] Names = [
        "root", "daemon", "www-data", "alice", "bob", "carol", "dave", "0", "1", "33", "1001", "1002", "1500", "5000"];
    private static readonly string[] GroupNames = ["@root", "@staff", "@customers", "@0", "@50", "@700", "@1001", "@www-data"];
    private static readonly string[] JobPatterns = ["*", "read", "read-*", "write", "w*", "read-file"];
    private static readonly string[] Jobs = ["read", "read-file", "read-", "write", "rea", "x"];
    private static readonly uint[] Gids = [0, 33, 50, 500, 700, 1001];
    private static readonly uint[] Uids = [0, 1, 33, 34, 999, 1001, 1002, 1003, 1004, 1500, 5000, 65534, uint.MaxValue];

    private static readonly string[] Arguments = ["path", "size", "mode"];
    private static readonly string[] Folders = ["~", "~/www", "/home", "/", "/home/alice", "/srv/./x//y"];
    private static readonly string[] Texts = ["a", "", "abc", "5", "0.5", "true", "True", "/home/alice", "/home"];
    private static readonly string[] Numbers = ["0", "-1", "5", "0.5", "5.0", "500e-2", "100"];

    private static readonly string[] Values =
    [
        "\"a\"", "\"\"", "\"abc\"", "\"5\"", "\"true\"", "0", "-1", "5", "5.0", "0.5", "50e-2", "100", "true", "false", "null", "[]",
            "{\"a\":1}", "\"/\"", "\"/home\"", "\"/home/alice\"", "\"/home/alice/www/x\"",
        "\"/home/alice2\"", "\"//home/./alice//\"", "\"/home/alice/../bob\"", "\"home/alice\"", "\"/srv/x/y/z\"", "\"/home/bob/www\"",
            "\"~\"", "\"\\u0061\"",
    ];

    [Fact]
    public void A_million_random_questions_are_decided_as_the_naive_matcher_does()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        int allowed = 0, denied = 0;
        for (int i = 0; i < Policies; i++)
        {
            NaiveRule[] rules = [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => Rule(random))];
            uint minimum = Pick(random, [1u, 34u, 1000u, 1003u]);
            Policy policy = PolicyReader.Read(Options(rules, minimum), PolicyWorld.Instance);
            for (int j = 0; j < QuestionsOfEach; j++)
            {
                (int rule, bool isAllowed, string told) = Ask(policy, rules, minimum, random);
                Assert.True(told.Length == 0, $"seed {seed}, policy {i}, question {j}: {told}");
                allowed += isAllowed ? 1 : 0;
                denied += !isAllowed && rule >= 0 ? 1 : 0;
            }
        }

        // Questions that are almost never allowed, or denied by a rule, would test little.
        Assert.InRange(allowed, Policies, int.MaxValue);
        Assert.InRange(denied, Policies, int.MaxValue);
    }

    private static (int Rule, bool Allowed, string Told) Ask(Policy policy, NaiveRule[] rules, uint minimum, Random random)
    {
        uint callerUid = Pick(random, Uids);
        uint[] groups = [.. Gids.Where(_ => random.Next(4) == 0)];
        uint[] accountGroups = [.. Gids.Where(_ => random.Next(6) == 0)];
        uint gid = Pick(random, Gids);
        string job = Pick(random, Jobs);
        string callerName = PolicyWorld.Instance.Find(UserSelector.ById(new UserId(callerUid)))?.Name ?? $"u{callerUid}";
        var caller = new Caller(new UserId(callerUid), new GroupId(gid), [.. groups.Select(group => new GroupId(group))], new ProcessId(1));

        uint uid = Pick(random, Uids);
        Account user = PolicyWorld.Instance.Find(UserSelector.ById(new UserId(uid))) ?? new Account($"u{uid}", uid, uid, [uid], "/", "");
        UserSelector selector = random.Next(2) == 0 ? UserSelector.ById(new UserId(uid)) : Name(user);
        string? given = random.Next(4) == 0 ? null : "{" + string.Join(",", Arguments.Where(_ => random.Next(4) != 0).Select(name =>
            $"\"{(random.Next(20) == 0 ? name.ToUpperInvariant() : name)}\":{Pick(random, Values)}")) + "}";
        bool consents = random.Next(2) == 0;
        (int rule, bool isAllowed) = NaiveMatcher.Decide(
            rules, minimum, callerUid, [gid, .. groups], accountGroups, job, user, given is null ? null
                : JsonNode.Parse(given)!.AsObject(), consents);

        using RequestArguments? arguments = RequestArguments.Read(given is null ? null : Encoding.UTF8.GetBytes(given), policy.Arguments);
        Account callerAccount = new(callerName, callerUid, 0, accountGroups, "/", "");
        var question = new Question(policy.Know(caller, callerAccount), job, selector, null, arguments);
        Task answered = PolicyWorld.Patterns.AnswerAsync(caller.Bucket, policy.PatternsOf(question));
        Assert.True(answered.IsCompletedSuccessfully, "short values are matched at once");
        Decision byName = policy.Decide(question);
        Decision byAccount = policy.Decide(question with { Account = user });
        if (byAccount.Answer == Answer.NeedsConsent)
            byAccount = policy.Decide(question with { Account = user, Consent = new ConsentAnswer(consents, "") });
        string expected = rule < 0 ? "none" : rules[rule].Deny ? $"deny r{rule}" : $"allow r{rule}";
        string actual = byAccount.Rule is null ? "none" : byAccount.Answer == Answer.Denied
            ? $"deny {byAccount.Rule}"
            : $"allow {byAccount.Rule}";
        if (expected != actual)
            return (rule, isAllowed,
                $"{caller} {job} {given} {user} as \"{selector}\": {actual}, not {expected}: {string.Join("; ", rules.Select(Text))}");

        // Before the account is known, a name allows nothing, and denies nothing that the account would allow.
        bool consistent = byName.Answer == Answer.NeedsAccount || (byName.Answer == Answer.Denied && !isAllowed);
        return (rule, isAllowed,
            consistent
            ? ""
            : $"{caller} {job} {user} as \"{selector}\": by name {byName}, by account {byAccount}: "
                + string.Join("; ", rules.Select(Text)));
    }

    /// <summary>A request reads a name of digits as a uid.</summary>
    private static UserSelector Name(Account user) =>
        user.Name.All(char.IsDigit) ? UserSelector.ById(new UserId(user.Uid)) : UserSelector.Parse(user.Name);

    private static NaiveRule Rule(Random random)
    {
        bool deny = random.Next(4) == 0;
        string[] targets = Some(random, Names, "*", "self");
        bool namesRoot = targets.Contains("root") || targets.Contains("0");
        bool allowRoot = !deny && namesRoot;
        bool consent = !deny && !allowRoot && random.Next(4) == 0;
        NaiveCondition[] where = [.. Arguments.Where(_ => random.Next(6) == 0).Select(argument => Condition(random, argument))];
        return new NaiveRule(
            Some(random, Names, "*"), [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => Pick(random, JobPatterns))], targets, deny,
            allowRoot, where, consent);
    }

    private static NaiveCondition Condition(Random random, string argument) => random.Next(6) switch
    {
        0 => new(argument, "Equals", [Pick(random, Texts)]),
        1 => new(argument, "OneOf", [Pick(random, Texts), Pick(random, Numbers)]),
        2 => new(argument, "Letters", []),
        3 => new(argument, "AtMost", [Pick(random, Numbers)]),
        4 => new(argument, "AtLeast", [Pick(random, Numbers)]),
        _ => new(argument, "Under", [Pick(random, Folders)]),
    };

    private static ConditionOptions Options(NaiveCondition condition) => new()
    {
        EqualTo = condition.Way == "Equals" ? condition.Values[0] : null,
        OneOf = condition.Way == "OneOf" ? condition.Values : null,
        Pattern = condition.Way == "Letters" ? "[a-z]+" : null,
        Under = condition.Way == "Under" ? condition.Values[0] : null,
        AtMost = condition.Way == "AtMost" ? decimal.Parse(condition.Values[0], NumberStyles.Float, CultureInfo.InvariantCulture) : null,
        AtLeast = condition.Way == "AtLeast" ? decimal.Parse(condition.Values[0], NumberStyles.Float, CultureInfo.InvariantCulture) : null,
    };

    private static string[] Some(Random random, string[] names, params string[] words) =>
        [.. Enumerable.Range(0, random.Next(1, 4)).Select(
            _ => random.Next(5) switch { 0 => Pick(random, words), 1 => Pick(random, GroupNames), _ => Pick(random, names) })];

    private static PolicyOptions Options(NaiveRule[] rules, uint minimum) => new()
    {
        MinimumUid = minimum,
        Rules = [.. rules.Select((rule, i) => new RuleOptions
        {
            Name = $"r{i}", Callers = rule.Callers, Jobs = rule.Jobs, As = rule.As, Deny = rule.Deny, AllowRoot = rule.AllowRoot,
            RequireConsent = rule.RequireConsent, Where = rule.Where.ToDictionary(condition => condition.Argument, Options),
        })],
    };

    private static T Pick<T>(Random random, T[] values) => values[random.Next(values.Length)];

    private static string Text(NaiveRule rule) =>
        $"{(rule.Deny ? "deny" : "allow")} callers [{string.Join(',', rule.Callers)}] jobs "
        + $"[{string.Join(',', rule.Jobs)}] as [{string.Join(',', rule.As)}] "
        + $"root {rule.AllowRoot} consent {rule.RequireConsent} where "
        + string.Join(',', rule.Where.Select(where => $"{where.Argument} {where.Way} {string.Join('|', where.Values)}"));
}
