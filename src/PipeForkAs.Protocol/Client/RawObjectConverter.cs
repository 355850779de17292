using System.Buffers;
using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>Keeps a JSON object as its UTF-8 bytes, for code that knows its type. Refuses duplicate members at every depth. Writes it
/// without white space, because a request is one line, and an object that a person wrote may have several lines.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class RawObjectConverter : JsonConverter<byte[]>
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = ClientProtocol.MaxDepth };

    /// <summary>The default encoder writes 6 bytes for each character beyond ASCII: 22 KB of Russian text would not fit into a request.
    /// </summary>
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <inheritdoc/>
    public override byte[] Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException("a JSON object is expected");

        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        byte[] raw = JsonMarshal.GetRawUtf8Value(document.RootElement).ToArray();
        using JsonDocument checkedDocument = JsonDocument.Parse(raw, Strict);
        return raw;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, byte[] value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        using JsonDocument document = JsonDocument.Parse(value, Strict);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw new JsonException("a JSON object is expected");

        var line = new ArrayBufferWriter<byte>(value.Length);
        using (var plain = new Utf8JsonWriter(line, Plain))
            document.RootElement.WriteTo(plain);
        writer.WriteRawValue(line.WrittenSpan);
    }
}
