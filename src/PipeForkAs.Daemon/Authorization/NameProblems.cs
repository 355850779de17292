namespace PipeForkAs.Daemon.Authorization;

/// <summary>The names in a policy that could not be resolved, and the effect on the rules that use them.</summary>
internal static class NameProblems
{
    /// <summary>The most further places of a name that a message lists.</summary>
    private const int MaxPlaces = 5;

    /// <summary>
    /// Returns a problem for each unknown name, in the order of the rules, with the rules that deny first. A problem has the key of the
    /// first place, the name, the reason, and what the rules do.
    /// </summary>
    /// <param name="policy">The policy, after its names were looked up.</param>
    /// <param name="answers">What the user database said about the names.</param>
    public static IEnumerable<NameProblem> Of(Policy policy, IReadOnlyDictionary<PolicyName, NameAnswer> answers)
    {
        var places = new Dictionary<PolicyName, List<Place>>();
        for (int i = 0; i < policy.Rules.Count; i++)
        {
            Add(policy.Rules[i], $"Policy:Rules:{i}:Callers", policy.Rules[i].Callers);
            Add(policy.Rules[i], $"Policy:Rules:{i}:As", policy.Rules[i].As);
        }

        if (policy.SignIn is { } signIn)
            Add(signIn, "Policy:SignIn:Callers", signIn.Callers);
        return places.OrderByDescending(name => name.Value.Exists(place => place.Rule.Deny))
            .Select(name => Problem(name.Key, answers.TryGetValue(name.Key, out NameAnswer told) ? told : Unasked(name.Key), name.Value));

        void Add(Rule rule, string key, IReadOnlyList<Principal> entries)
        {
            for (int i = 0; i < entries.Count; i++)
            {
                if (entries[i].IsKnown || entries[i].ToLookUp is not { } name)
                    continue;
                if (!places.TryGetValue(name, out List<Place>? its))
                    places.Add(name, its = []);
                its.Add(new Place($"{key}:{i}", rule));
            }
        }
    }

    private static NameAnswer Unasked(PolicyName name) => NameAnswer.None($"{name} has not been looked up yet");

    private static NameProblem Problem(PolicyName name, NameAnswer answer, List<Place> places)
    {
        Place first = places.Find(place => place.Rule.Deny) ?? places[0];
        Place[] others = [.. places.Where(place => place != first)];
        string also = others.Length == 0 ? "" : "; also in " + string.Join(", ", others.Take(MaxPlaces).Select(place => place.Key))
            + (others.Length > MaxPlaces ? $" and {others.Length - MaxPlaces} more" : "");
        string effect = $"the rule \"{first.Rule.Name}\" {Effect(first.Rule.Deny, answer.State)}{also}";
        return new NameProblem(name, answer.State, first.Rule.Deny, first.Key, answer.Problem, effect);
    }

    private static string Effect(bool deny, NameState state) => (deny, state) switch
    {
        (true, NameState.Missing) => "denies nobody by this name until it exists",
        (true, NameState.Unusable) => "denies both that name and that uid",
        (true, _) => "denies every possible match until there is an answer",
        (_, NameState.Missing) => "allows nothing by this name until it exists",
        (_, NameState.Unusable) => "allows nothing by this name",
        _ => "allows nothing by this name until there is an answer",
    };

    private sealed record Place(string Key, Rule Rule);
}

/// <summary>A name that could not be resolved.</summary>
/// <param name="Name">The name.</param>
/// <param name="State">What the user database said.</param>
/// <param name="IsDenied">Whether a rule that denies uses the name.</param>
/// <param name="Key">The configuration key of the name; in a rule that denies, if there is one.</param>
/// <param name="Reason">Why the name could not be resolved.</param>
/// <param name="Effect">What the rules do now.</param>
internal sealed record NameProblem(PolicyName Name, NameState State, bool IsDenied, string Key, string Reason, string Effect)
{
    public string Text => $"{Reason}; {Effect}";
}
