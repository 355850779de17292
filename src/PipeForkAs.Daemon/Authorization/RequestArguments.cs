using System.Collections.Frozen;
using System.Text.Json;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>The arguments of a request that a policy looks at, found in one pass over all of them.</summary>
internal sealed class RequestArguments : IDisposable
{
    private readonly JsonDocument document;
    private readonly Dictionary<string, (string Name, ArgumentValue? Value)> found = new(StringComparer.OrdinalIgnoreCase);

    private RequestArguments(JsonDocument document, FrozenSet<string> names)
    {
        this.document = document;
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            return;
        foreach (JsonProperty member in document.RootElement.EnumerateObject())
        {
            string name = member.Name;
            if (names.Contains(name) && !found.TryAdd(name, (name, new ArgumentValue(member.Value))))
                found[name] = (name, null);
        }
    }

    /// <summary>Reads them.</summary>
    /// <param name="json">A JSON object in UTF-8; null for none.</param>
    /// <param name="names">Those that are looked at, in letters of either case; null comes back where there are none.</param>
    public static RequestArguments? Read(byte[]? json, FrozenSet<string> names) =>
        json is null || names.Count == 0 ? null : new RequestArguments(JsonDocument.Parse(json), names);

    /// <summary>
    /// The value of an argument; null where there is none. A member of the same name in other letters is as good as none: a job that reads
    /// names in any case might take that one.
    /// </summary>
    public ArgumentValue? Find(string name) =>
        found.TryGetValue(name, out (string Name, ArgumentValue? Value) entry) && entry.Name == name ? entry.Value : null;

    /// <inheritdoc/>
    public void Dispose() => document.Dispose();
}
