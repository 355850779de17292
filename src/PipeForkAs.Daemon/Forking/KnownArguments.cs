using System.Collections.Frozen;
using System.Text.Json;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Forking;

/// <summary>The arguments that a job declares.</summary>
/// <param name="Names">The names of the arguments; a job may accept others.</param>
/// <param name="Defaults">The values of the optional arguments.</param>
internal sealed record KnownArguments(FrozenSet<string> Names, IReadOnlyDictionary<string, JsonElement> Defaults)
{
    /// <summary>Reads the arguments from the JSON schema of a job; null for a job without arguments.</summary>
    public static KnownArguments Of(JsonElement? schema) => new(
        ArgumentPairs.Describe(schema).Select(static argument => argument.Name).ToFrozenSet(StringComparer.Ordinal),
        ArgumentPairs.Defaults(schema));
}
