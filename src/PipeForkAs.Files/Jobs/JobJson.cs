using System.Text.Json.Serialization;

namespace PipeForkAs.Files.Jobs;

/// <summary>The arguments of the file jobs; those that a job does not have are null.</summary>
internal sealed record PathArguments(
    string PathBytes, long? Offset = null, long? Length = null, long? Size = null, string? ToBytes = null, bool? Replace = null,
    bool? Recursive = null, bool? FollowLink = null);

/// <summary>The result of <c>list-directory</c>.</summary>
internal sealed record ListingResult(string Path, IReadOnlyList<EntryResult> Entries, string? PathBytes = null);

/// <summary>An entry of a folder, and the result of <c>stat</c>.</summary>
internal sealed record EntryResult(
    string Name, string? Kind = null, long? Size = null, string? Mode = null, string? Owner = null, DateTime? Modified = null,
    string? NameBytes = null, string? Path = null, string? PathBytes = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PathArguments))]
[JsonSerializable(typeof(ListingResult))]
[JsonSerializable(typeof(EntryResult))]
internal sealed partial class JobJson : JsonSerializerContext;
