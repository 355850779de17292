using System.Globalization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Patterns;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>Reads the policy of a configuration. Rejects a rule whose meaning can differ from what its author intended.</summary>
internal sealed class PolicyReader
{
    private const int MaxNameLength = 64;
    private const string RootName = "root";

    private readonly Func<PolicyName, NameAnswer> names;
    private readonly List<(string Key, string Problem)> problems = [];

    /// <summary>Patterns by text and length: a pattern that several rules use is matched once for each request.</summary>
    private readonly Dictionary<(string Text, int MaxLength), Pattern> patterns = [];

    private PolicyReader(Func<PolicyName, NameAnswer> names) => this.names = names;

    /// <summary>Returns the problems of a policy, each with its key. Does not check whether the users and groups exist.</summary>
    public static IReadOnlyList<(string Key, string Problem)> Problems(PolicyOptions options)
    {
        var reader = new PolicyReader(NotAsked);
        _ = reader.Rules(options.Rules ?? []);
        _ = reader.SignIn(options);
        return reader.problems;
    }

    /// <summary>Returns the problems of a policy after its names were looked up, each with its key.</summary>
    public static IEnumerable<(string Key, string Problem)> Problems(Policy policy) =>
        policy.Rules.Select((rule, i) => RootProblem($"Policy:Rules:{i}", rule)).OfType<(string Key, string Problem)>();

    /// <summary>Reads a policy without looking its names up.</summary>
    /// <exception cref="ConfigurationException">The policy has a problem.</exception>
    public static Policy Read(PolicyOptions options) => Read(options, NotAsked);

    /// <summary>Reads a policy and looks its names up; blocks as long as the user database does.</summary>
    /// <exception cref="ConfigurationException">The policy has a problem.</exception>
    public static Policy Read(PolicyOptions options, INames names) => Read(options, name => NameAnswer.Of(names, name));

    private static Policy Read(PolicyOptions options, Func<PolicyName, NameAnswer> names)
    {
        var reader = new PolicyReader(names);
        IReadOnlyList<Rule> rules = options.Rules is null ? Policy.DefaultRules : reader.Rules(options.Rules);
        Rule? signIn = reader.SignIn(options);
        return reader.problems.Count == 0
            ? new Policy(options.MinimumUid, rules, signIn)
            : throw new ConfigurationException(reader.problems);
    }

    /// <summary>Returns the rule whose callers may sign users in; null if no user can sign in.</summary>
    private Rule? SignIn(PolicyOptions options)
    {
        SignInOptions signIn = options.SignIn;
        if (signIn.PamService is not null)
        {
            return new Rule
            {
                Name = "Policy:SignIn",
                Callers = Principals("Policy:SignIn:Callers", signIn.Callers, selfToo: false),
                Jobs = [],
                As = [],
            };
        }

        if (signIn.Callers.Count > 0)
            Problem("Policy:SignIn:Callers", "has no effect without Policy:SignIn:PamService; set it, or remove Callers");
        int needy = options.Rules?.ToList().FindIndex(rule => rule.RequireSignIn) ?? -1;
        if (needy >= 0)
            Problem($"Policy:Rules:{needy}:RequireSignIn", "no user can sign in; set Policy:SignIn:PamService");
        return null;
    }

    private static NameAnswer NotAsked(PolicyName name) => NameAnswer.None($"{name} has not been looked up yet");

    private List<Rule> Rules(IList<RuleOptions> options)
    {
        var rules = new List<Rule>(options.Count);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < options.Count; i++)
        {
            RuleOptions rule = options[i];
            string key = $"Policy:Rules:{i}";
            if (rule.Name.Length is 0 or > MaxNameLength || rule.Name.Any(char.IsControl))
                Problem($"{key}:Name", $"must be 1 to {MaxNameLength} characters on one line");
            else if (!seen.Add(rule.Name))
                Problem($"{key}:Name", $"\"{rule.Name}\" is also the name of another rule; rename one");
            Jobs($"{key}:Jobs", rule.Jobs);
            rules.Add(new Rule
            {
                Name = rule.Name,
                Callers = Principals($"{key}:Callers", rule.Callers, selfToo: false),
                Jobs = [.. rule.Jobs],
                As = Principals($"{key}:As", rule.As, selfToo: true),
                Deny = rule.Deny,
                AllowRoot = rule.AllowRoot,
                RequireConsent = rule.RequireConsent,
                RequireSignIn = rule.RequireSignIn,
                Where = [.. rule.Where.Select(where => Where($"{key}:Where:{where.Key}", where.Key, where.Value)).OfType<Condition>()],
            });
            if (RootProblem(key, rules[^1]) is { } root)
                problems.Add(root);
            if (rule.RequireConsent && rule.Deny)
                Problem($"{key}:RequireConsent", "a rule that denies needs no consent; remove it");
            if (rule.RequireConsent && rule.AllowRoot)
                Problem($"{key}:RequireConsent", "cannot be combined with \"AllowRoot\"; write a separate rule for root");
            if (rule.RequireSignIn && rule.Deny)
                Problem($"{key}:RequireSignIn", "a rule that denies needs no ticket; remove it");
            if (rule.RequireSignIn && rule.AllowRoot)
                Problem($"{key}:RequireSignIn", "cannot be combined with \"AllowRoot\": root cannot sign in; write a separate rule");
        }

        return rules;
    }

    /// <summary>
    /// Returns a problem with root in a rule, with its key; null if there is none, or if it depends on a name without an answer.
    /// </summary>
    private static (string Key, string Problem)? RootProblem(string key, Rule rule)
    {
        bool named = rule.As.Any(entry => entry.NamesRoot || entry is { Kind: PrincipalKind.User, Name: RootName });
        if (rule.Deny && rule.AllowRoot)
            return ($"{key}:AllowRoot", "has no effect in a rule that denies; remove it");
        if (!rule.Deny && named && !rule.AllowRoot)
            return ($"{key}:As", "names root, but the rule has no \"AllowRoot\": true; add it to let jobs run as root");
        return rule.AllowRoot && !named && rule.As.All(entry => entry.IsKnown)
            ? ($"{key}:AllowRoot", "has no effect without \"root\" in As; add it, or remove AllowRoot")
            : null;
    }

    private void Jobs(string key, IList<string> jobs)
    {
        if (jobs.Count == 0)
            Problem(key, "must name at least one job; \"*\" means all");
        for (int i = 0; i < jobs.Count; i++)
        {
            if (!JobPattern.IsValid(jobs[i]))
                Problem($"{key}:{i}", $"must be {JobPattern.Rule}");
        }
    }

    private List<Principal> Principals(string key, IList<string> entries, bool selfToo)
    {
        var principals = new List<Principal>(entries.Count);
        if (entries.Count == 0)
            Problem(key, "must have at least one entry; \"*\" means everyone");
        for (int i = 0; i < entries.Count; i++)
        {
            try
            {
                principals.Add(Resolve(entries[i], selfToo));
            }
            catch (FormatException failure)
            {
                Problem($"{key}:{i}", failure.Message);
            }
        }

        return principals;
    }

    private Principal Resolve(string text, bool selfToo)
    {
        if (text == "*")
            return Principal.Everyone;
        if (text == "self")
            return selfToo ? Principal.Self : throw new FormatException("\"self\" is valid only in As; name the callers, or \"*\" for all");
        if (text.Contains('\0', StringComparison.Ordinal))
            throw new FormatException("must not contain NUL");
        if (text is ['@', .. var group])
        {
            return Principal.IsNumber(group)
                ? new Principal(PrincipalKind.Group, text, Gid: new GroupId(Number(group)))
                : Named(new PolicyName(IsGroup: true, group));
        }

        return Principal.IsNumber(text)
            ? new Principal(PrincipalKind.Uid, text, new UserId(Number(text)))
            : Named(new PolicyName(IsGroup: false, text));
    }

    private Principal Named(PolicyName name) => name.Text.Length > 0
        ? Principal.Of(name, names(name))
        : throw new FormatException("must name a group after \"@\"");

    private Condition? Where(string key, string argument, ConditionOptions options)
    {
        int before = problems.Count;
        if (argument.Length == 0)
            Problem(key, "must be the name of an argument");
        if (options is { EqualTo: null, OneOf: null, Pattern: null, Under: null, AtMost: null, AtLeast: null })
            Problem(key, "must have a test: Equals, OneOf, Pattern, Under, AtMost or AtLeast");
        if (options.OneOf is { Count: 0 })
            Problem($"{key}:OneOf", "must contain at least one value");
        if (options.AtMost < options.AtLeast)
            Problem($"{key}:AtMost", "is less than AtLeast");
        if (options.Under is { } folder && !IsFolder(folder))
            Problem($"{key}:Under", "must be an absolute path without \"..\", or \"~\", or \"~/\" and a path");
        if (options.MaxLength is < 1 or > Pattern.LargestMaxLength)
            Problem($"{key}:MaxLength", $"must be from 1 to {Pattern.LargestMaxLength}");
        else if (options is { MaxLength: not null, Pattern: null })
            Problem($"{key}:MaxLength", "has no effect without Pattern; remove it");
        Pattern? pattern = problems.Count == before && options.Pattern is { } text
            ? Read($"{key}:Pattern", text, options.MaxLength ?? Pattern.DefaultMaxLength) : null;
        return problems.Count == before ? new Condition(argument, options, pattern) : null;
    }

    private Pattern? Read(string key, string text, int maxLength)
    {
        if (patterns.TryGetValue((text, maxLength), out Pattern? known))
            return known;
        try
        {
            patterns.Add((text, maxLength), known = Pattern.Create(text, key, maxLength));
        }
        catch (Exception failure) when (failure is ArgumentException or NotSupportedException)
        {
            Problem(key, $"cannot be used as a regular expression: {failure.Message}");
        }

        return known;
    }

    private static bool IsFolder(string folder) =>
        folder is "~" || FolderPath.Of(folder.StartsWith("~/", StringComparison.Ordinal) ? folder[1..] : folder) is not null;

    private static uint Number(string text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) && number != uint.MaxValue
        && (text == "0" || text[0] != '0')
            ? number
            : throw new FormatException("must be a number from 0 to 4294967294 without leading zeros");

    private void Problem(string key, string problem) => problems.Add((key, problem));
}
