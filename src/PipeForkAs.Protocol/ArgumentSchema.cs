using System.Runtime.InteropServices;
using System.Text.Json;

using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Protocol;

/// <summary>The part of JSON schema that <see cref="System.Text.Json.Schema.JsonSchemaExporter"/> writes. It finds the JSON value that a
/// word of a command line means. It does not validate arguments; the job does.
/// </summary>
internal readonly struct ArgumentSchema
{
    /// <summary>The most references to follow in a row: a schema that refers to itself must not cause a loop.</summary>
    private const int MaxReferences = 16;

    /// <summary>How deep alternatives can contain alternatives, for the same reason.</summary>
    private const int MaxAlternatives = 4;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = ClientProtocol.MaxDepth };

    private readonly JsonElement root;
    private readonly JsonElement node;

    private ArgumentSchema(JsonElement root, JsonElement node)
    {
        this.root = root;
        this.node = Resolve(root, node);
    }

    /// <summary>Reads a schema.</summary>
    /// <param name="root">A schema for which <see cref="IsUnicode"/> is true.</param>
    public ArgumentSchema(JsonElement root)
        : this(root, root)
    {
    }

    /// <summary>Whether all text in it is Unicode.</summary>
    public static bool IsUnicode(JsonElement element) => JsonText.IsUnicode(JsonMarshal.GetRawUtf8Value(element));

    /// <summary>The names that the schema lists, in its order.</summary>
    public IEnumerable<string> Names =>
        Find("properties") is { ValueKind: JsonValueKind.Object } properties
        ? properties.EnumerateObject().Select(property => property.Name) : [];

    public string? Description => Find("description") is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    public string? Pattern => Find("pattern") is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    public JsonElement? DefaultValue => Find("default");

    public string? Default => DefaultValue?.GetRawText();

    /// <summary>The expected value, in words that fit after "is".</summary>
    public string Expectation
    {
        get
        {
            if (Choices() is { } choices)
                return "one of " + string.Join(", ", choices.Where(IsWritable).Select(choice => choice.ToString()));

            string[] types = [.. Types().Where(type => type is not ("null" or "")).Select(Word)];
            return types.Length > 0 ? string.Join(" or ", types) : "JSON or plain text";
        }
    }

    public bool Requires(string name) =>
        Find("required") is { ValueKind: JsonValueKind.Array } required
        && required.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.String && item.ValueEquals(name));

    /// <summary>Returns the schema of a member; null if the schema has no member with this name.</summary>
    public ArgumentSchema? Member(string name)
    {
        JsonElement? properties = Find("properties");
        if (properties is { ValueKind: JsonValueKind.Object } known && known.TryGetProperty(name, out JsonElement member))
            return new ArgumentSchema(root, member);

        // JSON schema allows members that it does not list. Here a list of names is complete, because a misspelled name must not become an
        // argument. Only an object without a list accepts any name.
        return Find("additionalProperties") switch
        {
            { ValueKind: JsonValueKind.Object or JsonValueKind.True } others => new ArgumentSchema(root, others),
            null when properties is null
                && node.ValueKind is JsonValueKind.Object or JsonValueKind.True => new ArgumentSchema(root, Anything),
            _ => null,
        };
    }

    /// <summary>Writes the value that a text means. Returns false, and writes nothing, if the schema does not allow the text.</summary>
    public bool TryWrite(Utf8JsonWriter writer, string text)
    {
        using JsonDocument? json = ParseOrNull(text);
        return TryWrite(writer, text, json?.RootElement, MaxAlternatives);
    }

    private static JsonElement Anything { get; } = True();

    private bool TryWrite(Utf8JsonWriter writer, string text, JsonElement? json, int depth)
    {
        // Only alternatives that lead back to themselves are deeper: they allow nothing.
        if (node.ValueKind == JsonValueKind.False || depth == 0)
            return false;
        if (Choices() is { } choices)
            return TryWriteChoice(writer, text, json, choices);

        if (Types() is { Length: > 0 } types)
            return TryWriteTyped(writer, text, json, types);

        JsonElement[] alternatives = Alternatives();
        foreach (JsonElement alternative in alternatives)
        {
            if (new ArgumentSchema(root, alternative).TryWrite(writer, text, json, depth - 1))
                return true;
        }

        if (alternatives.Length > 0)
            return false;

        Write(writer, text, json);
        return true;
    }

    private static bool TryWriteChoice(Utf8JsonWriter writer, string text, JsonElement? json, JsonElement[] choices)
    {
        foreach (JsonElement choice in choices)
        {
            bool chosen = choice.ValueKind == JsonValueKind.String
                ? choice.ValueEquals(text)
                : json is { } value && value.GetRawText() == choice.GetRawText();
            if (!chosen)
                continue;

            choice.WriteTo(writer);
            return true;
        }

        return false;
    }

    private static bool TryWriteTyped(Utf8JsonWriter writer, string text, JsonElement? json, string[] types)
    {
        bool takesText = types.AsSpan().Contains("string");

        // For a nullable string, "null" is a string of four letters. The form of the text decides only if both a number (or the like) and a
        // string are allowed, as for numbers that may be read from strings.
        bool takesOnlyText = takesText && types.All(type => type is "string" or "null");
        if (!takesOnlyText && json is { } value && types.Any(type => IsOfType(value, type)))
        {
            value.WriteTo(writer);
            return true;
        }

        if (takesText)
            writer.WriteStringValue(text);
        return takesText;
    }

    private static void Write(Utf8JsonWriter writer, string text, JsonElement? json)
    {
        if (json is { } value)
            value.WriteTo(writer);
        else
            writer.WriteStringValue(text);
    }

    private static bool IsOfType(JsonElement value, string type) => type switch
    {
        "integer" => value.ValueKind == JsonValueKind.Number
            && value.GetRawText().AsSpan().TrimStart('-').IndexOfAnyExceptInRange('0', '9') < 0,
        "number" => value.ValueKind == JsonValueKind.Number,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "array" => value.ValueKind == JsonValueKind.Array,
        "object" => value.ValueKind == JsonValueKind.Object,
        "null" => value.ValueKind == JsonValueKind.Null,
        _ => false,
    };

    private static string Word(string type) => type switch
    {
        "string" => "text",
        "integer" => "an integer",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a JSON array",
        "object" => "a JSON object",
        _ => type,
    };

    private static bool IsWritable(JsonElement choice) => choice.ValueKind is not JsonValueKind.Null;

    /// <summary>Returns the values of <c>enum</c> or <c>const</c>; null if any value of the type is allowed.</summary>
    private JsonElement[]? Choices()
    {
        if (Find("enum") is { ValueKind: JsonValueKind.Array } choices)
            return [.. choices.EnumerateArray()];
        return Find("const") is { } only ? [only] : null;
    }

    private string[] Types() => Find("type") switch
    {
        { ValueKind: JsonValueKind.String } one => [one.GetString()!],
        { ValueKind: JsonValueKind.Array } several =>
            [.. several.EnumerateArray().Where(type => type.ValueKind == JsonValueKind.String).Select(type => type.GetString()!)],
        _ => [],
    };

    private JsonElement[] Alternatives() => (Find("anyOf") ?? Find("oneOf")) is { ValueKind: JsonValueKind.Array } alternatives
        ? [.. alternatives.EnumerateArray()]
        : [];

    private JsonElement? Find(string keyword) =>
        node.ValueKind == JsonValueKind.Object && node.TryGetProperty(keyword, out JsonElement value) ? value : null;

    private static JsonElement Resolve(JsonElement root, JsonElement node)
    {
        for (int i = 0; i < MaxReferences; i++)
        {
            if (node.ValueKind != JsonValueKind.Object || !node.TryGetProperty("$ref", out JsonElement reference))
                return node;
            if (reference.ValueKind != JsonValueKind.String || Follow(root, reference.GetString()!) is not { } target)
                return Anything;
            node = target;
        }

        return Anything;
    }

    /// <summary>Follows a JSON pointer (RFC 6901) in a fragment: the only references that the exporter writes.</summary>
    private static JsonElement? Follow(JsonElement root, string reference)
    {
        if (!reference.StartsWith('#'))
            return null;

        JsonElement node = root;
        foreach (string step in reference.Split('/').Skip(1))
        {
            string name = Uri.UnescapeDataString(step).Replace("~1", "/", StringComparison.Ordinal).Replace(
                "~0", "~", StringComparison.Ordinal);
            if (node.ValueKind == JsonValueKind.Array && int.TryParse(name, out int index) && (uint)index < (uint)node.GetArrayLength())
                node = node[index];
            else if (node.ValueKind != JsonValueKind.Object || !node.TryGetProperty(name, out node))
                return null;
        }

        return node;
    }

    private static JsonDocument? ParseOrNull(string text)
    {
        try
        {
            var document = JsonDocument.Parse(text, Strict);
            if (IsUnicode(document.RootElement))
                return document;
            document.Dispose();
            return null;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            // Most values are plain words; it is not an error that they are not JSON. The reader throws the second exception for a name
            // that is not valid Unicode.
            return null;
        }
    }

    private static JsonElement True()
    {
        using JsonDocument document = JsonDocument.Parse("true");
        return document.RootElement.Clone();
    }
}
