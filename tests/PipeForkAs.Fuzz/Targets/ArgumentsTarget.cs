using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using PipeForkAs.Fuzz.Driver;
using PipeForkAs.Jobs;
using PipeForkAs.Jobs.Registration;

namespace PipeForkAs.Fuzz.Targets;

internal enum Speed
{
    Slow,
    Fast,
}

internal sealed record Part(string Name, int Weight);

/// <summary>Arguments of many types.</summary>
internal sealed record Arguments(
    string Text, int Number, double Factor, Speed Speed, Part Part, IReadOnlyList<string> List, Dictionary<string, long> Table,
    bool Flag = true, string? Optional = null, DateTimeOffset? When = null, Guid? Id = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(Arguments))]
internal sealed partial class ArgumentsJson : JsonSerializerContext;

/// <summary>The arguments of a job function, as a worker reads them.</summary>
internal sealed class ArgumentsTarget : Target
{
    private readonly ArgumentReader<Arguments> reader = new(() => ArgumentsJson.Default.Arguments);

    public override string Name => "arguments";

    public override int MaxLength => 2048;

    /// <summary>A refusal creates the schema, to name the expected value.</summary>
    public override int BytesForAll => 256 * 1024;

    public override void Try(Trial trial)
    {
        Arguments arguments;
        try
        {
            arguments = trial.Measured(() => reader.Read(trial.Input));
        }
        catch (JobArgumentsException refused)
        {
            Trial.IsReason(refused.Message, 1000 + (2 * trial.Input.Length));
            return;
        }

        trial.Accept();
        if (!double.IsFinite(arguments.Factor))
            return; // For 1e999, which no writer accepts.
        JsonTypeInfo<Arguments> type = ArgumentsJson.Default.Arguments;
        byte[] written = JsonSerializer.SerializeToUtf8Bytes(arguments, type);
        byte[] again = JsonSerializer.SerializeToUtf8Bytes(reader.Read(written), type);
        Trial.Holds(written.AsSpan().SequenceEqual(again), "written and read again, the arguments are others");
    }
}
