using System.Text.Json;
using System.Text.Json.Serialization;

namespace PipeForkAs.Protocol.Client;

/// <summary>
/// A member whose value is one of a few words, exactly as they are written in the protocol. The framework's own converter
/// of enumerations also takes numbers, lists with commas, white space and any case.
/// </summary>
internal abstract class WordConverter<T>(params (string Word, T Value)[] words) : JsonConverter<T>
    where T : struct, Enum
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        foreach ((string word, T value) in words)
        {
            if (reader.TokenType == JsonTokenType.String && reader.ValueTextEquals(word))
                return value;
        }

        throw new JsonException($"it must be one of {string.Join(", ", words.Select(pair => $"\"{pair.Word}\""))}");
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        foreach ((string word, T known) in words)
        {
            if (EqualityComparer<T>.Default.Equals(known, value))
            {
                writer.WriteStringValue(word);
                return;
            }
        }

        throw new JsonException($"{value} is no {typeof(T).Name}");
    }
}

internal sealed class OperationConverter()
    : WordConverter<Operation>(
        ("run", Operation.Run), ("list", Operation.List), ("describe", Operation.Describe), ("check", Operation.Check), ("status", Operation.Status), ("cancel", Operation.Cancel));

/// <summary>For end records here. Others who serialize a <see cref="ReplyCode"/> have the framework's converter, which theirs can reach.</summary>
internal sealed class ReplyCodeConverter()
    : WordConverter<ReplyCode>(ReplyCodes.Words);

internal sealed class ReplyFormConverter()
    : WordConverter<ReplyForm>(("text", ReplyForm.Text), ("frames", ReplyForm.Frames));
