using System.Text.Json.Serialization;

namespace PipeForkAs.Jobs.Tests;

internal enum Speed
{
    Slow,
    Fast,
}

internal sealed record Part(string Name, int Weight);

internal sealed record Sample(
    string Text, int Number, Speed Speed, Part Part, IReadOnlyList<string> List, bool Flag = true, string? Optional = null);

internal sealed record Answer(string Text, int Number);

internal sealed record NoMembers;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(Sample))]
[JsonSerializable(typeof(Answer))]
[JsonSerializable(typeof(NoMembers))]
internal sealed partial class SampleJson : JsonSerializerContext;
