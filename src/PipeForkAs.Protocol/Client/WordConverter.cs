using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using PipeForkAs.Client;

namespace PipeForkAs.Protocol.Client;

/// <summary>Converts a member whose value is one of a few words, exactly as the protocol defines them. .NET's own converter of enumerations
/// also accepts numbers, lists with commas, white space and any case. Like the others, it is public because generated code for a program's
/// own serializer creates one.
/// </summary>
/// <typeparam name="T">The enumeration.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class WordConverter<T> : JsonConverter<T>
    where T : struct, Enum
{
    private readonly (string Word, T Value)[] words;

    private protected WordConverter(params (string Word, T Value)[] words) => this.words = words;

    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String ? Value(ref reader) : throw Unknown();

    /// <inheritdoc/>
    public override T ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Value(ref reader);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(Word(value));
    }

    /// <inheritdoc/>
    public override void WriteAsPropertyName(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WritePropertyName(Word(value));
    }

    /// <summary>Returns the expected value; null if the value matches.</summary>
    internal string? Expectation(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.String && TryValue(ref reader, out _) ? null : Rule;

    private string Rule => $"one of {string.Join(", ", words.Select(pair => $"\"{pair.Word}\""))}";

    private T Value(ref Utf8JsonReader reader) => TryValue(ref reader, out T value) ? value : throw Unknown();

    private bool TryValue(ref Utf8JsonReader reader, out T found)
    {
        foreach ((string word, T value) in words)
        {
            if (reader.ValueTextEquals(word))
            {
                found = value;
                return true;
            }
        }

        found = default;
        return false;
    }

    private string Word(T value)
    {
        foreach ((string word, T known) in words)
        {
            if (EqualityComparer<T>.Default.Equals(known, value))
                return word;
        }

        throw new JsonException($"{value} is not a {typeof(T).Name}");
    }

    private JsonException Unknown() => new($"it must be {Rule}");
}

/// <inheritdoc/>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class ReplyCodeConverter() : WordConverter<ReplyCode>(ReplyCodes.Words);

/// <inheritdoc/>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class OperationConverter() : WordConverter<Operation>(Operations.Words);

/// <inheritdoc/>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class ReplyFormConverter()
    : WordConverter<ReplyForm>(("text", ReplyForm.Text), ("frames", ReplyForm.Frames));
