using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Tests.Authorization;
using PipeForkAs.Daemon.Users;
using PipeForkAs.Fuzz.Driver;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Fuzz.Targets;

/// <summary>Choices build a policy and questions, which <see cref="Policy"/> and <see cref="NaiveMatcher"/> decide.</summary>
internal sealed class PolicyTarget : Target
{
    private const int MaxQuestions = 8;

    private static readonly string[] People =
        ["root", "daemon", "www-data", "alice", "bob", "carol", "dave", "0", "1", "33", "1001", "1002", "1500", "5000"];
    private static readonly string[] Groups = ["@root", "@staff", "@customers", "@0", "@50", "@700", "@1001", "@www-data"];
    private static readonly string[] Patterns = ["*", "read", "read-*", "write", "w*", "read-file"];
    private static readonly string[] Jobs = ["read", "read-file", "read-", "write", "rea", "x"];
    private static readonly uint[] Uids = [0, 1, 33, 34, 999, 1001, 1002, 1003, 1004, 1500, 5000, 65534, uint.MaxValue];
    private static readonly uint[] Gids = [0, 33, 50, 500, 700, 1001];
    private static readonly uint[] Floors = [1, 34, 1000, 1003];
    private static readonly string[] Names = ["path", "size", "mode"];
    private static readonly string[] Ways = ["Equals", "OneOf", "Letters", "AtMost", "AtLeast", "Under"];
    private static readonly string[] Folders = ["~", "~/www", "/home", "/", "/home/alice", "/srv/./x//y"];
    private static readonly string[] Numbers = ["0", "-1", "5", "0.5", "5.0", "500e-2", "100", "-0", "1e2"];
    private static readonly string[] Others =
        ["true", "false", "null", "[]", "{\"a\":1}", "\"/home/alice/www/x\"", "\"\\u0061\"", "\"/home/bob/../alice\""];

    public override string Name => "policy";

    public override int MaxLength => 512;

    /// <summary>Rules are read once and applied several times, some with patterns.</summary>
    public override int BytesForAll => 4 * 1024 * 1024;

    public override int BytesForEach => 1024;

    public override void Try(Trial trial)
    {
        var choices = new Choices(trial.Input);
        uint floor = choices.Of(Floors);
        NaiveRule[] rules = [.. Enumerable.Range(0, 1 + choices.Below(4)).Select(_ => Rule(choices))];
        PolicyOptions options = Options(rules, floor);
        Policy policy;
        try
        {
            policy = trial.Measured(() => PolicyReader.Read(options, PolicyWorld.Instance));
        }
        catch (ConfigurationException refused)
        {
            foreach (string problem in refused.Problems)
                Trial.IsReason(problem);
            return;
        }

        // The naive matcher does not know second names of a uid.
        if (policy.Rules.Any(rule => rule.Callers.Concat(rule.As).Any(entry => entry.State == NameState.Unusable)))
            return;

        trial.Accept();
        for (int i = 0; i < MaxQuestions && !(i > 0 && choices.AtEnd); i++)
            Ask(trial, policy, rules, floor, choices);
    }

    private static void Ask(Trial trial, Policy policy, NaiveRule[] rules, uint floor, Choices choices)
    {
        uint callerUid = choices.Of(Uids), gid = choices.Of(Gids), uid = choices.Of(Uids);
        uint[] groups = [.. Gids.Where(_ => choices.Once(4))];
        uint[] accountGroups = [.. Gids.Where(_ => choices.Once(6))];
        string job = choices.Of(Jobs);
        bool consents = choices.Once(2), byUid = choices.Once(2);
        string? given = choices.Once(4) ? null : "{" + string.Join(",", Names.Where(_ => !choices.Once(4)).Select(name =>
            $"\"{(choices.Once(8) ? name.ToUpperInvariant() : name)}\":{Value(choices)}")) + "}";

        PolicyWorld world = PolicyWorld.Instance;
        string callerName = world.Find(UserSelector.ById(new UserId(callerUid)))?.Name ?? $"u{callerUid}";
        var caller = new Caller(new UserId(callerUid), new GroupId(gid), [.. groups.Select(group => new GroupId(group))], new ProcessId(1));
        Account user = world.Find(UserSelector.ById(new UserId(uid))) ?? new Account($"u{uid}", uid, uid, [uid], "/", "");
        UserSelector selector = byUid || user.Name.All(char.IsDigit) ? UserSelector.ById(new UserId(uid)) : UserSelector.Parse(user.Name);
        JsonObject? arguments = given is null ? null : JsonNode.Parse(given)!.AsObject();
        (int rule, bool allowed) = NaiveMatcher.Decide(
            rules, floor, callerUid, [gid, .. groups], accountGroups, job, user, arguments, consents);

        using RequestArguments? read = RequestArguments.Read(given is null ? null : Encoding.UTF8.GetBytes(given), policy.Arguments);
        KnownCaller known = policy.Know(caller, new Account(callerName, callerUid, 0, accountGroups, "/", ""));
        var question = new Question(known, job, selector, null, read);
        Task answered = PolicyWorld.Patterns.AnswerAsync(caller.Bucket, policy.PatternsOf(question));
        Trial.Holds(answered.IsCompletedSuccessfully, "a short value is not matched at once");
        Decision byName = trial.Measured(() => policy.Decide(question));
        Decision byAccount = trial.Measured(() => policy.Decide(question with { Account = user }));
        if (byAccount.Answer == Answer.NeedsConsent)
            byAccount = policy.Decide(question with { Account = user, Consent = new ConsentAnswer(consents, "") });

        string expected = rule < 0 ? "none" : $"{(rules[rule].Deny ? "deny" : "allow")} r{rule}";
        string actual = byAccount.Rule is null ? "none" : $"{(byAccount.Answer == Answer.Denied ? "deny" : "allow")} {byAccount.Rule}";
        string words = $"{caller} {job} {given} {user} as \"{selector}\" of {string.Join("; ", rules.Select(Words))}";
        Trial.Holds(expected == actual, $"{actual}, not {expected}: {words}");
        bool consistent = byName.Answer == Answer.NeedsAccount || (byName.Answer == Answer.Denied && !allowed);
        Trial.Holds(consistent, $"by name {byName}, by account {byAccount}: {words}");
        Trial.Holds(!byAccount.GrantsRoot || (allowed && uid == 0 && rules[rule].AllowRoot), $"root is granted: {words}");
        Trial.Holds(!allowed || policy.JobsOf(known)(job), $"the caller may run what it may not know of: {words}");
    }

    private static NaiveRule Rule(Choices choices)
    {
        bool deny = choices.Once(4);
        string[] targets = Some(choices, "self");
        bool root = !deny && (targets.Contains("root") || targets.Contains("0"));
        bool consent = !deny && !root && choices.Once(4);
        NaiveCondition[] where = [.. Names.Where(_ => choices.Once(3)).Select(name => Condition(choices, name))];
        string[] jobs = [.. Enumerable.Range(0, 1 + choices.Below(2)).Select(_ => choices.Of(Patterns))];
        return new NaiveRule(Some(choices, "*"), jobs, targets, deny, root, where, consent);
    }

    private static string[] Some(Choices choices, string word) =>
        [.. Enumerable.Range(0, 1 + choices.Below(3)).Select(_ => One(choices, word))];

    private static string One(Choices choices, string word) => choices.Below(6) switch
    {
        0 => "*",
        1 => word,
        2 => choices.Of(Groups),
        3 => choices.Text(),
        _ => choices.Of(People),
    };

    private static NaiveCondition Condition(Choices choices, string name) => choices.Of(Ways) switch
    {
        "Equals" => new(name, "Equals", [Word(choices)]),
        "OneOf" => new(name, "OneOf", [Word(choices), choices.Of(Numbers)]),
        "Under" => new(name, "Under", [choices.Once(4) ? "/" + choices.Text() : choices.Of(Folders)]),
        "Letters" => new(name, "Letters", []),
        string way => new(name, way, [Number(choices)]),
    };

    private static string Word(Choices choices) => choices.Below(3) switch
    {
        0 => choices.Text(),
        1 => Number(choices),
        _ => choices.Of(Folders),
    };

    private static string Number(Choices choices) => choices.Once(2)
        ? choices.Of(Numbers)
        : string.Create(CultureInfo.InvariantCulture, $"{choices.Below(256)}.{choices.Below(100)}e{choices.Below(5)}");

    private static string Value(Choices choices) => choices.Below(5) switch
    {
        0 => JsonValue.Create(choices.Text()).ToJsonString(),
        1 => Number(choices),
        2 => JsonValue.Create("/" + choices.Text()).ToJsonString(),
        3 => JsonValue.Create(choices.Of(Folders)).ToJsonString(),
        _ => choices.Of(Others),
    };

    private static PolicyOptions Options(NaiveRule[] rules, uint floor) => new()
    {
        MinimumUid = floor,
        Rules = [.. rules.Select((rule, i) => new RuleOptions
        {
            Name = $"r{i}", Callers = rule.Callers, Jobs = rule.Jobs, As = rule.As, Deny = rule.Deny, AllowRoot = rule.AllowRoot,
            RequireConsent = rule.RequireConsent, Where = rule.Where.ToDictionary(condition => condition.Argument, Options),
        })],
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

    private static string Words(NaiveRule rule)
    {
        string where = string.Join(',', rule.Where.Select(one => $"{one.Argument} {one.Way} {string.Join('|', one.Values)}"));
        return $"{(rule.Deny ? "deny" : "allow")} callers [{string.Join(',', rule.Callers)}] jobs [{string.Join(',', rule.Jobs)}] "
            + $"as [{string.Join(',', rule.As)}] root {rule.AllowRoot} consent {rule.RequireConsent} where {where}";
    }
}
