using System.Collections.Frozen;
using System.Text.Json;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Forking;

/// <summary>The arguments that a job says it takes.</summary>
/// <param name="Names">Their names; a job may take others besides.</param>
/// <param name="Defaults">The values of those that a request may leave out.</param>
internal sealed record KnownArguments(FrozenSet<string> Names, IReadOnlyDictionary<string, JsonElement> Defaults)
{
    /// <summary>Reads them from the JSON schema of a job's arguments; null for a job that takes none.</summary>
    public static KnownArguments Of(JsonElement? schema) => new(
        ArgumentPairs.Describe(schema).Select(static argument => argument.Name).ToFrozenSet(StringComparer.Ordinal),
        ArgumentPairs.Defaults(schema));
}
