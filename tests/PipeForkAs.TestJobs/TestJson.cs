using System.Text.Json.Serialization;

namespace PipeForkAs.TestJobs;

/// <summary>The JSON types of all arguments and results.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(Duration))]
[JsonSerializable(typeof(Count))]
[JsonSerializable(typeof(ExitArguments))]
[JsonSerializable(typeof(SignalArguments))]
[JsonSerializable(typeof(ThrowArguments))]
[JsonSerializable(typeof(BackgroundArguments))]
[JsonSerializable(typeof(WaitArguments))]
[JsonSerializable(typeof(FloodArguments))]
[JsonSerializable(typeof(MarkArguments))]
[JsonSerializable(typeof(SumArguments))]
[JsonSerializable(typeof(SecretArguments))]
[JsonSerializable(typeof(SumResult))]
[JsonSerializable(typeof(AllTypes))]
[JsonSerializable(typeof(BigArguments))]
[JsonSerializable(typeof(BigResult))]
[JsonSerializable(typeof(AllocateArguments))]
[JsonSerializable(typeof(MixArguments))]
[JsonSerializable(typeof(AppendArguments))]
[JsonSerializable(typeof(AttackArguments))]
[JsonSerializable(typeof(HoldArguments))]
[JsonSerializable(typeof(SiblingArguments))]
[JsonSerializable(typeof(BecomeArguments))]
[JsonSerializable(typeof(BoxedArguments))]
[JsonSerializable(typeof(AskArguments))]
[JsonSerializable(typeof(SelfReport))]
[JsonSerializable(typeof(IReadOnlyList<Attempt>))]
internal sealed partial class TestJson : JsonSerializerContext;
