using System.Collections.Frozen;
using System.Text.Json;
using PipeForkAs.Daemon.Forking;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// The arguments of a request that a policy tests, found in one pass over all arguments. An argument that the request omits has the default
/// value of the job.
/// </summary>
internal sealed class RequestArguments : IDisposable
{
    private readonly JsonDocument document;
    private readonly Dictionary<string, (string Name, ArgumentValue? Value)> found = new(StringComparer.OrdinalIgnoreCase);

    private RequestArguments(JsonDocument document, FrozenSet<string> names, KnownArguments? known)
    {
        this.document = document;
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            return;
        foreach (JsonProperty member in document.RootElement.EnumerateObject())
        {
            string name = member.Name;
            if (names.Contains(name))
                Add(name, new ArgumentValue(member.Value));
            if (member.Value.ValueKind == JsonValueKind.String && name.EndsWith(PathBytes.Suffix, StringComparison.OrdinalIgnoreCase))
                AddBytes(name, member.Value, names, known);
        }

        foreach ((string name, JsonElement value) in known?.Defaults ?? FrozenDictionary<string, JsonElement>.Empty)
        {
            if (names.Contains(name) && !found.ContainsKey(name))
                Add(name, new ArgumentValue(value));
        }
    }

    /// <summary>Whether a condition resolved a relative path below the home of the target user.</summary>
    public bool LookedBelowHome => found.Values.Any(entry => entry.Value is { LookedBelowHome: true });

    /// <summary>Reads the arguments.</summary>
    /// <param name="json">A JSON object in UTF-8; null for none.</param>
    /// <param name="names">The arguments that the policy tests, case-insensitive; if there are none, the result is null.</param>
    /// <param name="known">The arguments that the job describes; null if they are unknown.</param>
    public static RequestArguments? Read(byte[]? json, FrozenSet<string> names, KnownArguments? known = null) =>
        names.Count == 0 || (json is null && known is not { Defaults.Count: > 0 })
            ? null
            : new RequestArguments(JsonDocument.Parse(json ?? "{}"u8.ToArray()), names, known);

    /// <summary>
    /// Returns the value of an argument; null if there is none. A member whose name differs only in case makes the argument missing: a job
    /// that reads names without regard to case might use that member.
    /// </summary>
    public ArgumentValue? Find(string name) =>
        found.TryGetValue(name, out (string Name, ArgumentValue? Value) entry) && entry.Name == name ? entry.Value : null;

    /// <inheritdoc/>
    public void Dispose() => document.Dispose();

    /// <summary>Adds an argument. A second member of the same name, in any case, makes it unknown which one the job uses.</summary>
    private void Add(string name, ArgumentValue? value)
    {
        if (!found.TryAdd(name, (name, value)))
            found[name] = (name, null);
    }

    /// <summary>
    /// Adds the bytes of a path as the value of the argument that a rule names, also if the rule tests only its text. A job that does not
    /// declare such an argument, for example a job that accepts any names, might ignore the bytes: then they make the value unknown.
    /// </summary>
    private void AddBytes(string name, JsonElement value, FrozenSet<string> names, KnownArguments? known)
    {
        string path = name[..^PathBytes.Suffix.Length];
        if (!names.Contains(path))
            return;
        bool isWritten = name.EndsWith(PathBytes.Suffix, StringComparison.Ordinal) && known?.Names.Contains(name) != false;
        Add(path, isWritten && PathBytes.Read(value.GetString()!) is { } bytes ? new ArgumentValue(bytes) : null);
    }
}
