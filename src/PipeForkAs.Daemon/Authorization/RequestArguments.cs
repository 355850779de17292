using System.Collections.Frozen;
using System.Text.Json;
using PipeForkAs.Daemon.Forking;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// The arguments of a request that a policy looks at, found in one pass over all of them. What the request leaves out has the value that
/// the job gives it.
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

    /// <summary>Whether a relative path was taken for one below the target's home.</summary>
    public bool LookedBelowHome => found.Values.Any(entry => entry.Value is { LookedBelowHome: true });

    /// <summary>Reads them.</summary>
    /// <param name="json">A JSON object in UTF-8; null for none.</param>
    /// <param name="names">Those that are looked at, in letters of either case; null comes back where there are none.</param>
    /// <param name="known">What the job says of its arguments; null where nobody knows.</param>
    public static RequestArguments? Read(byte[]? json, FrozenSet<string> names, KnownArguments? known = null) =>
        names.Count == 0 || (json is null && known is not { Defaults.Count: > 0 })
            ? null
            : new RequestArguments(JsonDocument.Parse(json ?? "{}"u8.ToArray()), names, known);

    /// <summary>
    /// The value of an argument; null where there is none. A member of the same name in other letters is as good as none: a job that reads
    /// names in any case might take that one.
    /// </summary>
    public ArgumentValue? Find(string name) =>
        found.TryGetValue(name, out (string Name, ArgumentValue? Value) entry) && entry.Name == name ? entry.Value : null;

    /// <inheritdoc/>
    public void Dispose() => document.Dispose();

    /// <summary>A second one of the name, in whatever letters, leaves it open which one the job takes.</summary>
    private void Add(string name, ArgumentValue? value)
    {
        if (!found.TryAdd(name, (name, value)))
            found[name] = (name, null);
    }

    /// <summary>
    /// The bytes of a path are the value of the argument that a rule names, also where only its text is looked at. A job that does not say
    /// that it takes them, as one that takes arguments of any name, might not look at them: then they leave the value open.
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
