using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace PipeForkAs.Jobs.Registration;

/// <summary>Reads the arguments of a job strictly, and derives their schema.</summary>
internal interface IArgumentReader
{
    /// <summary>The JSON schema of the arguments.</summary>
    JsonNode Schema();
}

/// <inheritdoc/>
/// <typeparam name="T">The arguments record.</typeparam>
/// <param name="typeInfo">Returns the record's JSON type information, with the author's options.</param>
internal sealed class ArgumentReader<T>(Func<JsonTypeInfo<T>> typeInfo) : IArgumentReader
{
    /// <summary>The author's options, made strict: misspelled names are refused, and every member that the record requires must be present.
    /// A worker creates it at the first use.
    /// </summary>
    private readonly Lazy<JsonTypeInfo<T>> strict = new(() =>
    {
        var options = new JsonSerializerOptions(typeInfo().Options)
        {
            AllowDuplicateProperties = false,
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        };
        return (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
    });

    public JsonNode Schema() => strict.Value.GetJsonSchemaAsNode(new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = true });

    public T Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json.IsEmpty ? "{}"u8 : json.Span, strict.Value)
                ?? throw new JobArgumentsException("the arguments must be a JSON object");
        }
        catch (JsonException failure)
        {
            using JsonDocument schema = JsonDocument.Parse(Schema().ToJsonString());
            ReadOnlyMemory<byte> given = json.IsEmpty ? "{}"u8.ToArray() : json;
            throw new JobArgumentsException(ArgumentDiagnosis.Explain(given, schema.RootElement, failure), failure);
        }
    }
}
